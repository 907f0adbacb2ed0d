import { type Client, createClient } from '../../../src/cluster/client.ts'
import type { ApiRequest, KubeTransport } from '../../../src/cluster/transport.ts'
import { isObject, type Json } from '../../../src/lib/json.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import { Problem, toProblem } from '../../../src/lib/problem.ts'
import { lostFields } from './lost-fields.ts'

const fieldManager = 'serin'

/** Says what is wrong with an object: nothing, when it is taken as it is. */
export interface Judge {
  /**
   * Sends it to be created and, where no object with the same fields was applied before, to be applied, as Serin would;
   * nothing is stored.
   */
  judge(object: KubeObject): Promise<readonly string[]>
  /** Judges many; each complaint comes once, with the title of its first object. The same object is judged once. */
  judgeAll(objects: readonly { readonly title: string; readonly object: KubeObject }[]): Promise<readonly string[]>
  /** How many requests were made. */
  requests(): number
  /** The production client; its writes are checked by the server and not stored. */
  readonly dryRun: Client
}

const AT_ONCE = 6

/** A judge that asks the API server behind a transport. */
export function createJudge(transport: KubeTransport): Judge {
  let count = 0
  const dryRun = createClient(
    dryRunOnly(transport, () => {
      count += 1
    }),
  )
  const applied = new Set<string>()
  const judge = async (object: KubeObject): Promise<readonly string[]> => {
    const created = await attempt('create', object, () => dryRun.create(object, { fieldManager }))
    const shape = shapeOf(object as Json)
    if (applied.has(shape)) return created
    applied.add(shape)
    return [...created, ...(await attempt('apply', object, () => dryRun.apply(object, { fieldManager, force: true })))]
  }
  return {
    judge,
    judgeAll: async (objects) => {
      const distinct = new Map(objects.map((one) => [JSON.stringify(one.object), one]))
      const waiting = [...distinct.values()]
      const found = new Map<string, string>()
      const work = async (): Promise<void> => {
        for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
          const { title, object } = one
          for (const complaint of await judge(object)) {
            const said = `${object.kind} ${complaint}`
            if (!found.has(said)) found.set(said, `${title} | ${said}`)
          }
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, work))
      return [...found.values()]
    },
    requests: () => count,
    dryRun,
  }
}

/** Which fields a value has, and of which types: what decides whether an apply of it can be understood. */
function shapeOf(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${[...new Set(value.map((item: Json) => shapeOf(item)))].join()}]`
  if (!isObject(value)) return typeof value
  return `{${Object.entries(value)
    .map(([key, member]) => `${key}:${key === 'kind' && typeof member === 'string' ? member : shapeOf(member)}`)
    .join()}}`
}

async function attempt(verb: string, object: KubeObject, send: () => Promise<KubeObject>): Promise<readonly string[]> {
  try {
    return lostFields(object as Json, (await send()) as Json).map((lost) => `${verb} loses ${lost}`)
  } catch (error) {
    // What is there already was judged when it was made, and is judged again by the apply.
    if (verb === 'create' && error instanceof Problem && error.code === 'CLUSTER_CONFLICT') return []
    return [`${verb}: ${toProblem(error).message}`]
  }
}

/**
 * Makes every write a dry run. Servers from 1.25 on are asked to refuse unknown fields instead of only warning of them;
 * older ones drop them without a word.
 */
export function dryRunOnly(transport: KubeTransport, onWrite: () => void = () => undefined): KubeTransport {
  return {
    send: (request) => {
      if (request.method === 'GET') return transport.send(request)
      onWrite()
      return transport.send(asDryRun(request))
    },
    watch: (request) => transport.watch(request),
  }
}

function asDryRun(request: ApiRequest): ApiRequest {
  const separator = request.path.includes('?') ? '&' : '?'
  return { ...request, path: `${request.path}${separator}dryRun=All&fieldValidation=Strict` }
}
