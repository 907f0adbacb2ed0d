import { ClusterCache } from '../../../src/cluster/cache.ts'
import { createClient } from '../../../src/cluster/client.ts'
import { connectCluster } from '../../../src/cluster/transport-http.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { at, numberAt, stringAt } from '../../../src/lib/json.ts'
import { freePort } from '../../../src/playground/free-port.ts'
import { controlPlane, openNamespace } from '../namespace.ts'
import { deployment, fleet, paths, type AppOptions } from './fleet.ts'
import { openClone, startRepository, type Clone, type Repository } from './repository.ts'
import { startSerinOnCluster, type SerinOnCluster } from './serin.ts'

/** The real control plane, git's own server with passwords, and Serin. */
export interface Stage {
  readonly namespace: string
  readonly repository: Repository
  readonly serin: SerinOnCluster
  /** The ledger's branch. */
  readonly ledger: string
  /** A person's clone of main. */
  readonly ada: Clone
  /** Merges a version of an application; resolves to the commit. */
  release(name: string, tag: string): Promise<string>
  phase(name: string): string | undefined
  condition(name: string, type: string): string
  /** The canary's weights in the route, each time that the cluster showed another one. */
  weights(name: string): readonly number[]
  /** The tag of the image that a Deployment names. */
  tagOf(deployment: string): string | undefined
  /** The subjects of Serin's commits on the ledger about a canary, oldest first. */
  subjects(name: string): Promise<readonly string[]>
  /** Waits until something holds, for two minutes at most. */
  until(what: string, holds: () => boolean | Promise<boolean>): Promise<void>
  close(): Promise<void>
}

const PATIENCE_MS = 120_000
const CANARY = { apiVersion: 'flagger.app/v1beta1', kind: 'Canary' }
const DEPLOYMENT = { apiVersion: 'apps/v1', kind: 'Deployment' }
const ROUTE = { apiVersion: 'networking.istio.io/v1beta1', kind: 'VirtualService' }

/** Starts everything and waits until each application is initialised. */
export async function openStage(apps: Readonly<Record<string, AppOptions>>): Promise<Stage> {
  const closing: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const one of closing.splice(0).toReversed()) await one()
  }
  try {
    const stage = await build(apps, closing, close)
    const names = Object.keys(apps)
    await stage.until('all is initialised', () => names.every((name) => stage.phase(name) === 'Initialized'))
    return stage
  } catch (error) {
    await close()
    throw error
  }
}

async function build(
  apps: Readonly<Record<string, AppOptions>>,
  closing: (() => Promise<unknown>)[],
  close: () => Promise<void>,
): Promise<Stage> {
  const place = await openNamespace()
  closing.push(() => place.close())
  const namespace = place.name
  const connection = await connectCluster({ userAgent: 'serin-test', ...controlPlane() })
  closing.push(() => connection.close())
  const client = createClient(connection.transport)
  const cache = new ClusterCache({ client, clock: systemClock, fieldManagers: [] })
  closing.push(async () => cache.stop())
  for (const kind of [CANARY, DEPLOYMENT, ROUTE]) await cache.ensure(kind, namespace)
  const weights = followWeights(cache, namespace)
  const repository = await startRepository(fleet(namespace, apps))
  closing.push(() => repository.close())
  const ada = await openClone(repository, 'main', 'ada')
  const { transport } = connection
  // Nobody listens there: who asks it for a metric gets none.
  const metricsServer = `http://127.0.0.1:${await freePort()}`
  const serin = await startSerinOnCluster({ transport, namespace, git: repository.serin, metricsServer })
  closing.push(() => serin.close())
  const ledger = serin.config.ledger.branch
  const canary = (name: string) => cache.get({ ...CANARY, namespace, name })
  return {
    namespace,
    repository,
    serin,
    ledger,
    ada,
    async release(name, tag) {
      await ada.pull()
      await ada.write(paths.deployment(name), deployment(namespace, name, { tag }))
      return (await ada.push(`Bump ${name} to ${tag}`)).commit
    },
    phase: (name) => stringAt(canary(name), 'status', 'phase'),
    condition(name, type) {
      const conditions = at(canary(name), 'status', 'conditions')
      const found = Array.isArray(conditions) ? conditions.find((one) => stringAt(one, 'type') === type) : undefined
      return `${stringAt(found, 'status')} ${stringAt(found, 'reason')} ${stringAt(found, 'message')}`
    },
    weights: (name) => weights.get(name) ?? [],
    tagOf(name) {
      const found = cache.get({ ...DEPLOYMENT, namespace, name })
      return stringAt(found, 'spec', 'template', 'spec', 'containers', 0, 'image')?.split(':').at(-1)
    },
    async subjects(name) {
      const log = ['log', '--reverse', `--author=${serin.config.identity.email}`, '--format=%s', ledger]
      return (await repository.git(...log, '--', `${namespace}/${name}`)).split('\n')
    },
    async until(what, holds) {
      const endMs = Date.now() + PATIENCE_MS
      while (!(await holds())) {
        if (Date.now() > endMs) throw new Error(`waited in vain until ${what}\n${recent(serin)}`)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
    close,
  }
}

function followWeights(cache: ClusterCache, namespace: string): ReadonlyMap<string, readonly number[]> {
  const weights = new Map<string, number[]>()
  cache.onChange(({ kind, name }) => {
    if (kind !== ROUTE.kind) return
    const route = cache.get({ ...ROUTE, namespace, name })
    const weight = numberAt(route, 'spec', 'http', 0, 'route', 1, 'weight')
    const seen = weights.get(name) ?? []
    if (weight !== undefined && seen.at(-1) !== weight) weights.set(name, [...seen, weight])
  })
  return weights
}

function recent({ said, log }: SerinOnCluster): string {
  const lines = log.filter(({ level }) => level !== 'info').map(({ code, place, text }) => `${code} ${place} ${text}`)
  return [...said.map(({ text }) => text).slice(-15), ...lines.slice(-15)].join('\n')
}
