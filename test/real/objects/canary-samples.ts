import { Canary } from '../../../src/resources/canary.ts'
import { PROVIDERS } from '../../../src/resources/fields.ts'
import type { Problem } from '../../../src/lib/problem.ts'
import { toProblem } from '../../../src/lib/problem.ts'
import type { TrafficProvider } from '../../../src/traffic/provider.ts'
import { trafficProvider } from '../../../src/traffic/registry.ts'
import { splitAt, type TrafficSplit } from '../../../src/traffic/split.ts'
import { takenSamples } from './service-samples.ts'

/** A Canary and what is special about it. */
export interface Sample {
  readonly title: string
  readonly canary: Canary
}

/** Everything that a provider may need before it writes anything. */
const BASE = { port: 9898, gatewayRefs: [{ name: 'public', namespace: 'ingress' }], meshName: 'global' }

/** A podinfo canary with these fields in `spec.service`, and these in `spec`. */
export function sampleCanary(namespace: string, service: object = {}, spec: object = {}): Canary {
  return Canary.parse({
    apiVersion: 'flagger.app/v1beta1',
    kind: 'Canary',
    metadata: { name: 'podinfo', namespace },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'podinfo' },
      service: { ...BASE, ...service },
      analysis: { interval: '1m', threshold: 5, stepWeight: 10, maxWeight: 50 },
      ...spec,
    },
  })
}

/** One canary for each sample of each field of `spec.service` that a server of this minor version takes. */
export function fieldSamples(namespace: string, minor: number): readonly Sample[] {
  return takenSamples(minor).flatMap(([field, values]) =>
    values.map((value) => ({
      title: `${field}: ${JSON.stringify(value)}`,
      canary: sampleCanary(namespace, { [field]: value }),
    })),
  )
}

const analysis = { interval: '1m', threshold: 5 }

/** Canaries whose analysis asks for other routes than weights. */
export function analysisSamples(namespace: string): readonly Sample[] {
  const samples: Readonly<Record<string, object>> = {
    iterations: { ...analysis, iterations: 10 },
    'A/B by header': { ...analysis, iterations: 10, match: [{ headers: { 'x-canary': { exact: 'insider' } } }] },
    'A/B by cookie and source': {
      ...analysis,
      iterations: 10,
      match: [{ headers: { cookie: { regex: '^(.*?;)?(canary=always)(;.*)?$' } } }, { sourceLabels: { app: 'web' } }],
    },
    'session affinity': {
      ...analysis,
      stepWeights: [1, 50, 99],
      sessionAffinity: { cookieName: 'user', primaryCookieName: 'stable', maxAge: 600, httpOnly: true, secure: true },
    },
    mirror: { ...analysis, stepWeight: 10, mirror: true },
    'mirror of a part': { ...analysis, stepWeight: 10, mirror: true, mirrorWeight: 30 },
  }
  return Object.entries(samples).map(([title, one]) => ({
    title,
    canary: sampleCanary(namespace, {}, { analysis: one }),
  }))
}

/** The splits that a rollout passes through. */
export const SPLITS: readonly TrafficSplit[] = [
  ...[0, 1, 50, 99, 100].map(splitAt),
  { primary: 100, canary: 0, mirrored: true },
]

/** Every provider that is built: found by the names that a Canary may use. */
export function builtProviders(): readonly TrafficProvider[] {
  return PROVIDERS.flatMap((name) => {
    try {
      return [trafficProvider(name)]
    } catch (error) {
      if (toProblem(error).code === 'TRAFFIC_PROVIDER_UNAVAILABLE') return []
      throw error
    }
  })
}

/** What a provider writes, or why it can't: only with a problem for a person it may. */
export function written(
  provider: TrafficProvider,
  canary: Canary,
  split: TrafficSplit,
): ReturnType<TrafficProvider['objects']> | Problem {
  try {
    return provider.objects(canary, split)
  } catch (error) {
    const problem = toProblem(error)
    if (problem.kind !== 'stalled') throw error
    return problem
  }
}
