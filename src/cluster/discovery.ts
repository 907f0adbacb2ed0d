import { at, isObject, stringAt } from '../lib/json.ts'
import { Problem } from '../lib/problem.ts'
import { apiProblem } from './api-problem.ts'
import type { KubeTransport } from './transport.ts'

/** A kind of objects: group and version, and kind. */
export interface KindRef {
  readonly apiVersion: string
  readonly kind: string
}

/** Where a kind lives on the server. */
export interface ApiResource extends KindRef {
  /** `/api/v1` or `/apis/<group>/<version>`. */
  readonly root: string
  readonly plural: string
  readonly namespaced: boolean
}

/** Which kinds the cluster serves. Answers are cached for good; a kind that is unknown is asked for again each time. */
export interface Discovery {
  /** The resource of a kind, undefined when the cluster does not serve it. Throws a Problem when it cannot be asked. */
  find(kind: KindRef): Promise<ApiResource | undefined>
  /** Forgets what is cached for an apiVersion, after the server answered 404 to one of its paths. */
  forget(apiVersion: string): void
}

/** Discovery over a transport: one request per group and version, at most one at a time. */
export function createDiscovery(transport: KubeTransport): Discovery {
  const cached = new Map<string, ReadonlyMap<string, ApiResource>>()
  const running = new Map<string, Promise<ReadonlyMap<string, ApiResource>>>()

  async function load(apiVersion: string): Promise<ReadonlyMap<string, ApiResource>> {
    try {
      const resources = await loadResources(transport, apiVersion)
      cached.set(apiVersion, resources)
      return resources
    } finally {
      running.delete(apiVersion)
    }
  }

  return {
    find: async ({ apiVersion, kind }) => {
      const known = cached.get(apiVersion)?.get(kind)
      if (known !== undefined) return known
      const loading = running.get(apiVersion) ?? load(apiVersion)
      if (!running.has(apiVersion)) running.set(apiVersion, loading)
      return (await loading).get(kind)
    },
    forget: (apiVersion) => {
      cached.delete(apiVersion)
    },
  }
}

/** The Problem of a kind that the cluster does not serve: it waits, because installing the definition mends it. */
export function kindMissing({ apiVersion, kind }: KindRef): Problem {
  return new Problem({
    kind: 'wait',
    code: 'CLUSTER_KIND_MISSING',
    message: `the cluster does not serve the kind "${kind}" of "${apiVersion}"`,
    place: kind,
    hint: 'install its custom resource definitions, or choose another provider or version',
  })
}

/** The path of a group and version. */
export function rootOf(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
}

async function loadResources(transport: KubeTransport, apiVersion: string): Promise<ReadonlyMap<string, ApiResource>> {
  const root = rootOf(apiVersion)
  const response = await transport.send({ method: 'GET', path: root })
  if (response.status === 404) return new Map()
  const listed = at(response.body, 'resources')
  if (response.status !== 200 || !Array.isArray(listed)) {
    throw apiProblem(response, { verb: 'discover', object: `the kinds of ${apiVersion}` })
  }
  const resources = new Map<string, ApiResource>()
  for (const entry of listed) {
    const plural = stringAt(entry, 'name')
    const kind = stringAt(entry, 'kind')
    if (!isObject(entry) || plural === undefined || kind === undefined || plural.includes('/')) continue
    if (!resources.has(kind)) {
      resources.set(kind, { apiVersion, kind, root, plural, namespaced: entry['namespaced'] === true })
    }
  }
  return resources
}
