import { describe, expect, test } from 'vitest'
import type { OutsideCall } from '../../src/cli/stage/outside.ts'
import { createVirtualStage, type VirtualStage } from '../../src/cli/stage/virtual-stage.ts'
import type { JsonObject } from '../../src/lib/json.ts'
import { meshDefinitions } from '../../src/playground/mesh-definitions.ts'
import { manifestsInText } from '../../src/source/manifest.ts'

const TIPS = ['git tip main', 'git tip serin/default']
const nothing = (): void => {}

function filesOf(canaries: number): Record<string, string> {
  const files: Record<string, string> = {
    'namespace.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: test\n',
  }
  for (let i = 0; i < canaries; i += 1) {
    files[`app-${i}.yaml`] = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-${i}
  namespace: test
spec:
  selector:
    matchLabels:
      app: app-${i}
  template:
    metadata:
      labels:
        app: app-${i}
    spec:
      containers:
        - name: app
          image: app-${i}:1
---
apiVersion: flagger.app/v1beta1
kind: Canary
metadata:
  name: app-${i}
  namespace: test
spec:
  provider: istio
  targetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: app-${i}
  service:
    port: 8080
  analysis:
    interval: 1m
    threshold: 3
    maxWeight: 50
    stepWeight: 10
`
  }
  return files
}

/** A fleet that has come to rest, and every call of its Serins since then. */
async function restingFleet(canaries: number, where: 'Git' | 'the cluster' = 'Git') {
  const calls: OutsideCall[] = []
  const stage = await createVirtualStage({
    seed: 1,
    startMs: Date.UTC(2026, 0, 1),
    files: filesOf(where === 'Git' ? canaries : 0),
    definitions: meshDefinitions(),
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
    minIntervalMs: 1000,
    fateOf: (call) => {
      calls.push(call)
      return { kind: 'pass' }
    },
    metrics: () => ({ query: () => Promise.reject(new Error('nobody should ask for metrics')) }),
  })
  if (where === 'the cluster') applyByHand(stage, filesOf(canaries))
  const serin = stage.start()
  const keys = Array.from({ length: canaries }, (_, i) => `test/app-${i}`)
  const isInitialised = (): boolean =>
    keys.every((key) => serin.reconciler.keeper.entry(key)?.state.phase === 'Initialized')
  expect(await stage.clock.run(10 * 60_000, isInitialised)).toBe(true)
  await stage.clock.run(60_000)
  calls.length = 0
  return { stage, serin, calls }
}

/** `kubectl apply` of manifests. */
function applyByHand({ cluster }: VirtualStage, files: Readonly<Record<string, string>>): void {
  const paths: Readonly<Record<string, string>> = {
    Namespace: '/api/v1/namespaces',
    Deployment: '/apis/apps/v1/namespaces/test/deployments',
    Canary: '/apis/flagger.app/v1beta1/namespaces/test/canaries',
  }
  for (const { object } of Object.entries(files).flatMap(([file, text]) => manifestsInText(text, file).manifests)) {
    const body = JSON.parse(JSON.stringify(object)) as JsonObject
    const { status } = cluster.serve({ method: 'POST', path: paths[object.kind] ?? '', body, userAgent: 'kubectl' })
    if (status !== 201) throw new Error(`${object.kind} was answered ${status}`)
  }
}

function textsOf(calls: readonly OutsideCall[]): string[] {
  return calls.map(({ to, text }) => `${to} ${text}`)
}

describe('a fleet at rest', () => {
  for (const [canaries, where] of [
    [1, 'Git'],
    [25, 'Git'],
    [25, 'the cluster'],
  ] as const) {
    test(`costs no request to the cluster and one tip question per branch and look with ${canaries} canaries in ${where}`, async () => {
      const { stage, serin, calls } = await restingFleet(canaries, where)

      await serin.reconciler.look()

      expect(textsOf(calls).toSorted()).toEqual(TIPS)

      calls.length = 0
      await stage.clock.run(10_000)

      const looks = calls.length / 2
      expect(looks).toBeGreaterThanOrEqual(9)
      expect(textsOf(calls).toSorted()).toEqual(TIPS.flatMap((tip) => Array.from({ length: looks }, () => tip)))
    })
  }

  test.each(['Git', 'the cluster'] as const)(
    'is restarted with as many requests for 25 canaries in %s as for 1',
    async (where) => {
      const requests: string[][] = []
      for (const canaries of [1, 25]) {
        const { stage, serin, calls } = await restingFleet(canaries, where)
        serin.kill()
        // What was told of a rollout is read again only while it is young.
        stage.clock.jump(24 * 60 * 60_000)
        calls.length = 0

        const next = stage.start()
        await stage.clock.run(60_000)
        await next.started

        expect(next.reconciler.ready()).toEqual({ ok: true, reasons: [] })
        expect(next.reconciler.keeper.keys()).toHaveLength(canaries)
        requests.push(
          textsOf(calls)
            .filter((text) => !text.startsWith('git tip'))
            .toSorted()
            .map(withoutCommit),
        )
      }
      expect(requests[1]).toEqual(requests[0])
    },
  )

  test('a commit that changes no manifest is fetched and costs no request to the cluster', async () => {
    const { stage, serin, calls } = await restingFleet(5)
    stage.commit({ 'README.md': 'A fleet.\n' }, 'Explain')

    await serin.reconciler.look()
    await stage.clock.run(5000)

    expect(calls.filter(({ to }) => to !== 'git')).toEqual([])
    expect(calls.filter(({ text }) => text.startsWith('fetch'))).toHaveLength(1)
    expect(calls.filter(({ text }) => text.startsWith('push'))).toEqual([])
  })
})

function withoutCommit(text: string): string {
  return text.replace(/(fetch|deepen) (\S+) \w+/, '$1 $2')
}
