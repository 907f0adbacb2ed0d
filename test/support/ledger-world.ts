import fc from 'fast-check'
import type { KubeObject } from '../../src/lib/kube-object.ts'
import type { LedgerEntry } from '../../src/ledger/entry.ts'
import type { Check } from '../../src/rollout/check.ts'
import type { Promoted, RolloutState } from '../../src/rollout/state.ts'
import { revision } from './rollout-world.ts'

/** The primary's workload when it runs a revision. */
export function primaryOf(content: string): readonly KubeObject[] {
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'podinfo-primary', namespace: 'test' },
      spec: { template: { spec: { containers: [{ name: 'podinfod', image: `podinfo:${content}` }] } } },
    },
  ]
}

/** The Services and the route with the canary at a weight. */
export function routesAt(weight: number): readonly KubeObject[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'podinfo', namespace: 'test' },
      spec: { ports: [{ port: 80 }], selector: { app: 'podinfo-primary' } },
    },
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'podinfo', namespace: 'test' },
      spec: {
        rules: [
          {
            backendRefs: [
              { name: 'podinfo-primary', weight: 100 - weight },
              { name: 'podinfo-canary', weight },
            ],
          },
        ],
      },
    },
  ]
}

export function ledgerState(differing: Partial<RolloutState> = {}): RolloutState {
  return {
    phase: 'Progressing',
    canaryWeight: 20,
    failedChecks: 0,
    iterations: 0,
    revision: revision('b'),
    route: 'analysis',
    attempt: 1,
    checks: [],
    quarantine: [],
    lastPromoted: revision('a'),
    lastTransitionMs: Date.UTC(2026, 0, 1, 12, 30, 15, 250),
    ...differing,
  }
}

/** A canary that serves `a` while `b` is at 20 percent; fields of the state differ. */
export function ledgerEntry(differing: Partial<RolloutState> = {}, promoted: Partial<Promoted> = {}): LedgerEntry {
  const state = ledgerState(differing)
  const served = { ...revision('a'), attempt: 1, before: [], ...promoted }
  return { state, promoted: served, primary: primaryOf('a'), routes: routesAt(state.canaryWeight) }
}

/** Texts of the kinds that trip YAML readers and writers, and any others. */
const text = fc.oneof(
  fc.constantFrom(
    '',
    'yes',
    'no',
    'on',
    '0755',
    '1e3',
    '1_000',
    '.nan',
    'null',
    '~',
    '- a',
    'a: b',
    '#no',
    '<<',
    '*a',
    '&a',
  ),
  fc.constantFrom(
    '---',
    '...',
    '--- a',
    '\t',
    ' lead',
    'trail ',
    'two\nlines\n',
    '"q"',
    "'q'",
    '|',
    '>',
    '%TAG',
    '@x',
    '2026-01-01',
  ),
  fc.string({ unit: 'binary', maxLength: 30 }),
)

function optional<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined })
}

/** Absent instead of undefined, as the project's types have it. */
function present<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T
}

const anyRevision = fc.record({ commit: text, hash: text })
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value))

const check: fc.Arbitrary<Check> = fc
  .record({
    metric: text,
    value: optional(number),
    unit: fc.constantFrom<Check['unit']>('%', 'ms', ''),
    min: optional(number),
    max: optional(number),
    window: text,
    verdict: fc.constantFrom<Check['verdict']>('passed', 'failed', 'no-values', 'error'),
    halt: optional(text),
  })
  .map((given) => present(given) as Check)

/** Any state that the core's types allow. */
export const anyState: fc.Arbitrary<RolloutState> = fc
  .record({
    phase: fc.constantFrom<RolloutState['phase']>(
      'Initializing',
      'Initialized',
      'Waiting',
      'Progressing',
      'WaitingPromotion',
      'Promoting',
      'Finalising',
      'Succeeded',
      'Failed',
    ),
    canaryWeight: fc.integer({ min: 0, max: 100 }),
    failedChecks: fc.nat(),
    iterations: fc.nat(),
    revision: anyRevision,
    route: fc.constantFrom<RolloutState['route']>('analysis', 'skipped', 'restore'),
    attempt: fc.integer({ min: 1 }),
    pullRequest: optional(text),
    checks: fc.array(check, { maxLength: 3 }),
    quarantine: fc.array(text, { maxLength: 3 }),
    lastPromoted: anyRevision,
    keptOut: optional(text),
    rollback: optional(
      fc
        .record({
          rung: fc.constantFrom<'commit' | 'pull-request' | 'status-only'>('commit', 'pull-request', 'status-only'),
          reference: optional(text),
          reason: optional(text),
        })
        .map(present),
    ),
    lastTransitionMs: fc.integer({ min: 0, max: Date.UTC(2200, 0, 1) }),
  })
  .map((given) => present(given) as RolloutState)

const kubeObject: fc.Arbitrary<KubeObject> = fc.record({
  apiVersion: text,
  kind: text,
  metadata: fc.record({ name: text, labels: fc.dictionary(text, text, { maxKeys: 3, noNullPrototype: true }) }),
  spec: fc.dictionary(text, fc.oneof(text, number, fc.boolean(), fc.constant(null), fc.array(text, { maxLength: 3 })), {
    maxKeys: 4,
    noNullPrototype: true,
  }),
})

/** Any entry that the types allow, with texts that trip YAML. */
export const anyEntry: fc.Arbitrary<LedgerEntry> = fc.record({
  state: anyState,
  promoted: fc
    .record({
      commit: text,
      hash: text,
      attempt: fc.integer({ min: 1 }),
      pullRequest: optional(text),
      before: fc.array(text, { maxLength: 3 }),
    })
    .map((given) => present(given) as Promoted),
  primary: fc.array(kubeObject, { maxLength: 3 }),
  routes: fc.array(kubeObject, { maxLength: 3 }),
})
