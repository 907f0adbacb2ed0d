import { createClient } from '../../../src/cluster/client.ts'
import { ClusterCache } from '../../../src/cluster/cache.ts'
import { connectCluster } from '../../../src/cluster/transport-http.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { stringAt } from '../../../src/lib/json.ts'
import { seededRandom } from '../../../src/lib/seeded-random.ts'
import { startExporter } from '../../support/exporter.ts'
import { startPrometheus } from '../../support/prometheus.ts'
import { openClone, startRepository, type Repository } from '../git/repository.ts'
import { startSerinOnCluster, type SerinOnCluster } from '../git/serin.ts'
import { controlPlane, openNamespace } from '../namespace.ts'
import { startBackend, type Backend, type Behaviour } from './backend.ts'
import { deployment, DEPLOYMENT_PATH, fleet } from './fleet.ts'
import { startHaproxy } from './haproxy.ts'
import { followPods } from './pods.ts'
import { recordQuestions, type Questions } from './questions.ts'
import { followRoute, ROUTE_VERSIONS, type RouteKind, type RouteProxy } from './route-proxy.ts'
import { recorder } from './telemetry.ts'

export interface StageOptions {
  readonly route: RouteKind
  /** Of versions that are not named, all is well. */
  readonly behaviours: Readonly<Record<string, Behaviour>>
}

/**
 * A rollout with nothing pretended but the application: the real control plane, git's own server, a real Prometheus, a real
 * proxy that real requests go through, and Serin.
 */
export interface Stage {
  readonly namespace: string
  /** Where clients go. */
  readonly url: string
  readonly repository: Repository
  readonly serin: SerinOnCluster
  readonly proxy: RouteProxy
  readonly primary: Backend
  readonly canary: Backend
  /** What Serin asked Prometheus. */
  readonly questions: Questions
  /** A person releases a version: a commit on main. */
  release(version: string): Promise<void>
  phase(): string | undefined
  /** The tag of the image that a Deployment names. */
  versionOf(deployment: string): string | undefined
  /** Waits until something holds, for a minute at most. */
  until(what: string, holds: () => boolean): Promise<void>
  close(): Promise<void>
}

/** How often Prometheus asks. */
export const SCRAPE_MS = 200
const PATIENCE_MS = 60_000
const WELL: Behaviour = { errorShare: 0, delayMs: 0 }
const APP = 'podinfo'

/** Starts everything; resolves when Serin has taken its first look. */
export async function openStage({ route, behaviours }: StageOptions): Promise<Stage> {
  const closing: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const one of closing.splice(0).toReversed()) await one()
  }
  try {
    return await build(route, behaviours, closing, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function build(
  route: RouteKind,
  behaviours: StageOptions['behaviours'],
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
  const kinds = [
    { apiVersion: ROUTE_VERSIONS[route], kind: route },
    { apiVersion: 'v1', kind: 'Pod' },
    { apiVersion: 'apps/v1', kind: 'Deployment' },
    { apiVersion: 'flagger.app/v1beta1', kind: 'Canary' },
  ]
  for (const kind of kinds) await cache.ensure(kind, namespace)

  const exporter = await startExporter()
  closing.push(() => exporter.close())
  const prometheus = await startPrometheus({ targets: [exporter.url], scrapeIntervalMs: SCRAPE_MS })
  closing.push(() => prometheus.close())
  const questions = await recordQuestions(prometheus.url)
  closing.push(() => questions.close())
  const record = recorder(exporter, route === 'HTTPRoute' ? 'pods' : 'istio', namespace)
  const side = async (name: 'primary' | 'canary', workload: string): Promise<Backend> => {
    const backend = await startBackend({
      side: name,
      pods: followPods(cache, namespace, workload, (pod) => record.began(workload, pod)),
      behaviourOf: (version) => behaviours[version] ?? WELL,
      random: seededRandom(name === 'primary' ? 1 : 2),
      onServed: (served) => record.served(workload, served),
    })
    closing.push(() => backend.close())
    return backend
  }
  const [primary, canary] = [await side('primary', `${APP}-primary`), await side('canary', APP)]
  const haproxy = await startHaproxy({ primary: primary.port, canary: canary.port })
  closing.push(() => haproxy.close())
  const proxy = followRoute({ client, cache, kind: route, namespace, name: APP, proxy: haproxy })
  closing.push(() => proxy.settled())

  const repository = await startRepository(fleet(namespace, route))
  closing.push(() => repository.close())
  const ada = await openClone(repository, 'main', 'ada')
  const { transport } = connection
  const serin = await startSerinOnCluster({
    transport,
    namespace,
    git: repository.serin,
    metricsServer: questions.url,
  })
  closing.push(() => serin.close())

  const versionOf = (name: string): string | undefined => {
    const found = cache.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace, name })
    return stringAt(found, 'spec', 'template', 'spec', 'containers', 0, 'image')?.split(':').at(-1)
  }
  return {
    namespace,
    url: haproxy.url,
    repository,
    serin,
    proxy,
    primary,
    canary,
    questions,
    versionOf,
    async release(version) {
      await ada.pull()
      await ada.write(DEPLOYMENT_PATH, deployment(namespace, version))
      await ada.push(`Bump ${APP} to ${version}`)
    },
    phase: () =>
      stringAt(
        cache.get({ apiVersion: 'flagger.app/v1beta1', kind: 'Canary', namespace, name: APP }),
        'status',
        'phase',
      ),
    async until(what, holds) {
      const endMs = Date.now() + PATIENCE_MS
      while (!holds()) {
        if (Date.now() > endMs) throw new Error(`waited in vain until ${what}\n${recent(serin)}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    close,
  }
}

function recent({ said, log }: SerinOnCluster): string {
  const lines = log.filter(({ level }) => level !== 'info').map(({ code, place, text }) => `${code} ${place} ${text}`)
  return [...said.map(({ text }) => text).slice(-15), ...lines.slice(-15)].join('\n')
}
