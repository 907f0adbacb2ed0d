import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import type { Json } from '../../../src/lib/json.ts'
import { createEmbeddedCluster } from '../../../src/playground/cluster/embedded-cluster.ts'
import type { EmbeddedCluster } from '../../../src/playground/cluster/embedded-cluster.ts'
import { serveCluster } from '../../../src/playground/cluster/serve-cluster.ts'
import type { ServedCluster } from '../../../src/playground/cluster/serve-cluster.ts'
import { seeded } from './support.ts'

// What a real API server answered, as data beside the repository; see `SERIN_SHARED`.
const folder = join(process.env['SERIN_SHARED'] ?? join(import.meta.dirname, '../../../../shared'), 'conformance')
const recording = join(folder, 'kubernetes-1.36.json')
const isThere = existsSync(recording)
if (!isThere)
  console.warn(
    `conformance is not checked: there is no ${recording}; set SERIN_SHARED to the folder that holds conformance/`,
  )

/**
 * Left out on purpose: who asks, and what that one may do; discovery of all groups in one answer; descriptions of wide
 * columns. Only `extended` ones may be.
 */
const leftOut: readonly string[] = ['discovery-aggregated', 'table-builtin', 'rbac', 'unauthenticated']

interface Scenario {
  readonly id: string
  readonly tag: 'core' | 'controllers' | 'extended'
}

interface Recording {
  readonly scenarios: readonly Scenario[]
  readonly fixtures: readonly { readonly path: string; readonly body: Json }[]
}

interface Difference {
  readonly step: number
  readonly what: string
  readonly path: string
}

interface Finding {
  readonly id: string
  readonly first: Difference | undefined
}

interface Engine {
  readonly Client: new (settings: { readonly server: string }) => object
  checkScenario(client: object, scenario: Scenario): Promise<readonly Difference[]>
}

describe.skipIf(!isThere)('playground/cluster: conformance', () => {
  const cluster: EmbeddedCluster = createEmbeddedCluster({ clock: systemClock, random: seeded(1) })
  let served: ServedCluster | undefined

  beforeAll(async () => {
    served = await serveCluster(cluster)
  })
  afterAll(async () => {
    cluster.stop()
    await served?.close()
  })

  it(
    'answers as the real server does, but for what is left out on purpose',
    { timeout: 60_000, retry: 3 },
    async () => {
      const data: Recording = JSON.parse(readFileSync(recording, 'utf8'))
      const engine: Engine = await import(pathToFileURL(join(folder, 'check.mjs')).href)
      const client = new engine.Client({ server: served?.url ?? '' })
      for (const { path, body } of data.fixtures) {
        expect([201, 409]).toContain(cluster.serve({ method: 'POST', path, body }).status)
      }

      const check = async (scenario: Scenario): Promise<readonly Finding[]> => {
        const found = await engine.checkScenario(client, scenario)
        return found.length === 0 ? [] : [{ id: scenario.id, first: found[0] }]
      }
      // These need a server that is not busy: they write before the controllers notice, or before their watch ends.
      const alone = data.scenarios.filter(({ id }) => id === 'deployment-status' || id === 'watch-end')
      const rest = data.scenarios.filter((scenario) => !alone.includes(scenario))
      const differing: Finding[] = []
      for (const scenario of alone) differing.push(...(await check(scenario)))
      const worker = async (): Promise<void> => {
        for (let next = rest.shift(); next !== undefined; next = rest.shift()) differing.push(...(await check(next)))
      }
      await Promise.all(Array.from({ length: 24 }, worker))

      const unexpected = differing.filter(({ id }) => !leftOut.includes(id))
      const mended = leftOut.filter((id) => !differing.some((one) => one.id === id))
      const extended = data.scenarios.filter(({ tag }) => tag === 'extended').map(({ id }) => id)
      expect(extended).toEqual(expect.arrayContaining([...leftOut]))
      expect(unexpected).toEqual([])
      expect(mended, 'these agree now: take them off the list').toEqual([])
    },
  )
})
