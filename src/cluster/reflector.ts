import type { Clock } from '../lib/clock.ts'
import { numberAt, stringAt } from '../lib/json.ts'
import { type KubeObject, type ObjectRef, refOf } from '../lib/kube-object.ts'
import { Problem, toProblem } from '../lib/problem.ts'
import { apiProblem } from './api-problem.ts'
import { type BackOff, createBackOff } from './back-off.ts'
import type { Client } from './client.ts'
import type { KindRef } from './discovery.ts'
import { isKubeObject } from './kube-json.ts'
import type { ObjectStore } from './object-store.ts'
import { isNewer } from './resource-version.ts'
import type { ApiResponse, WatchLine } from './transport.ts'

export interface ReflectorOptions {
  readonly client: Client
  readonly clock: Clock
  readonly kind: KindRef
  readonly namespace?: string | undefined
  readonly store: ObjectStore
  /** Called with every object that came, changed or went. */
  readonly onChange: (ref: ObjectRef) => void
  /** Called with what went wrong, each time a list or watch fails. */
  readonly onProblem: (problem: Problem) => void
  /** Called when the watch turned out to have gone silent: others on the same way may have too. */
  readonly onStalled: () => void
  /** For the jitter: numbers in [0, 1). */
  readonly random: () => number
}

const firstDelayMs = 1_000
const longestDelayMs = 30_000
/** A server that is away is asked this often: what waits for it may be the way back to safety. */
const longestAwayMs = 5_000
/** A watch that ended sooner than this did not work, whatever the server said. */
const shortWatchMs = 1_000
/** Our own writes come back through a watch within milliseconds; one that takes this long has gone silent. */
const ownWriteMs = 10_000

/**
 * Keeps a store equal to what the cluster holds, by one list and then a watch, from its making until it is stopped. Every
 * failure is told and tried again with back-off; handlers that throw end in `onProblem`, never in the loop.
 */
export class Reflector {
  readonly #options: ReflectorOptions
  readonly #stopping = new AbortController()
  readonly #backOff: BackOff
  #attempt = deferred()
  #synced = false
  #problem: Problem | undefined
  /** Where the watch goes on; undefined asks for a list. */
  #version: string | undefined
  /** Ends the open watch, so that the next one goes on where it was. */
  #reopening: AbortController | undefined
  /** A version that one of our own writes made and that the watch has not told of. */
  #awaited: { readonly version: string; readonly cancel: () => void } | undefined

  constructor(options: ReflectorOptions) {
    this.#options = options
    this.#backOff = createBackOff(firstDelayMs, longestDelayMs, options.random)
    this.#run().catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) options.onProblem(toProblem(error))
    })
  }

  /** Why the cluster's state is not followed at the moment; undefined while it is. */
  get problem(): Problem | undefined {
    return this.#problem
  }

  /** Whether the store has held a whole list since the start. */
  get synced(): boolean {
    return this.#synced
  }

  /** Resolves at the first whole list; rejects with the Problem of the last failed attempt while attempts go on. */
  whenSynced(): Promise<void> {
    if (this.#synced) return Promise.resolve()
    return this.#problem === undefined ? this.#attempt.promise : Promise.reject(this.#problem)
  }

  /**
   * One of our own writes left an object at this version. A watch that does not tell of it within ten seconds leads nowhere,
   * though its connection may look open for minutes: it is opened anew.
   */
  wrote(version: string | undefined): void {
    if (version === undefined || this.#reopening === undefined || this.#awaited !== undefined) return
    if (!isNewer(version, this.#version) || isNewer(this.#version, version)) return
    const cancel = this.#options.clock.after(ownWriteMs, () => {
      this.#awaited = undefined
      this.#reopening?.abort(silent(this.#options.kind))
      this.#options.onStalled()
    })
    this.#awaited = { version, cancel }
  }

  /** Opens the watch anew, where one is open: it goes on from where it was. */
  reopen(): void {
    this.#reopening?.abort(reopened)
  }

  stop(): void {
    this.#stopping.abort()
    this.#forgetAwaited()
    this.#attempt.reject(stopped(this.#options.kind))
  }

  async #run(): Promise<void> {
    const { clock } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const startedMs = clock.now()
      let pauseMs = 0
      try {
        if (this.#version === undefined || this.#version === '') await this.#list()
        else {
          await this.#watch(this.#version)
          if (clock.now() - startedMs < shortWatchMs) pauseMs = this.#backOff.next()
        }
      } catch (error) {
        if (signal.aborted) return
        if (error !== reopened) pauseMs = this.#fail(toProblem(error))
      }
      if (pauseMs > 0) await clock.sleep(pauseMs, signal)
    }
  }

  /** Remembers and tells what went wrong; answers with how long to wait, in milliseconds. */
  #fail(problem: Problem): number {
    const failed = this.#attempt
    this.#problem = problem
    if (!this.#synced) this.#attempt = deferred()
    failed.reject(problem)
    this.#options.onProblem(problem)
    const delayMs = this.#backOff.next()
    const isAway = problem.code === 'CLUSTER_UNREACHABLE'
    return Math.max(isAway ? Math.min(delayMs, longestAwayMs) : delayMs, problem.retryAfterMs ?? 0)
  }

  async #list(): Promise<void> {
    const { client, kind, namespace, store } = this.#options
    const { signal } = this.#stopping
    const answer = await client.list(kind, { namespace, signal })
    if (signal.aborted) return
    const changed = store.replaceAll(answer.items, answer.resourceVersion)
    this.#version = answer.resourceVersion
    this.#synced = true
    this.#attempt.resolve()
    this.#report(changed)
    this.#recover()
  }

  /** Watches until the server ends it. */
  async #watch(from: string): Promise<void> {
    const reopening = new AbortController()
    this.#reopening = reopening
    try {
      await this.#follow(from, AbortSignal.any([this.#stopping.signal, reopening.signal]))
    } catch (error) {
      // However a transport says that it was aborted, this is why.
      throw reopening.signal.aborted ? reopening.signal.reason : error
    } finally {
      this.#reopening = undefined
      this.#forgetAwaited()
    }
  }

  async #follow(from: string, signal: AbortSignal): Promise<void> {
    const { client, kind, namespace } = this.#options
    const answer = await client.watch(kind, { namespace, resourceVersion: from, signal })
    if (answer.kind === 'refused') {
      this.#refuse(answer.response)
      return
    }
    this.#recover()
    for await (const line of answer.lines) {
      if (signal.aborted) return
      if (line.type === 'ERROR') {
        this.#refuse({ status: numberAt(line.object, 'code') ?? 500, body: line.object })
        return
      }
      this.#take(line)
      this.#backOff.reset()
    }
  }

  /** What was not possible for a while is to be tried again: for whoever waits, all objects have changed. */
  #recover(): void {
    if (this.#problem === undefined) return
    this.#problem = undefined
    this.#report([...this.#options.store.values()])
  }

  /** A version that the server no longer remembers asks for a new list; anything else is thrown. */
  #refuse(response: ApiResponse): void {
    if (response.status !== 410) throw apiProblem(response, { verb: 'watch', object: this.#options.kind.kind })
    this.#version = undefined
  }

  #take(line: WatchLine): void {
    const { store } = this.#options
    if (line.type !== 'BOOKMARK' && isKubeObject(line.object)) {
      const changed = line.type === 'DELETED' ? store.remove(line.object) : store.put(line.object)
      if (changed) this.#report([line.object])
    }
    this.#version = stringAt(line.object, 'metadata', 'resourceVersion') ?? this.#version
    if (this.#awaited !== undefined && !isNewer(this.#awaited.version, this.#version)) this.#forgetAwaited()
  }

  #forgetAwaited(): void {
    this.#awaited?.cancel()
    this.#awaited = undefined
  }

  #report(objects: readonly KubeObject[]): void {
    for (const object of objects) {
      try {
        this.#options.onChange(refOf(object))
      } catch (error) {
        this.#options.onProblem(toProblem(error))
      }
    }
  }
}

/** Why a watch that may be well was ended. */
const reopened = new Error('opened anew')

function silent({ kind }: KindRef): Problem {
  return new Problem({
    kind: 'retry',
    code: 'CLUSTER_WATCH_SILENT',
    message: `the watch of ${kind} does not tell of our own changes: its connection leads nowhere and is opened anew`,
    place: kind,
  })
}

function stopped(kind: KindRef): Problem {
  return new Problem({ kind: 'retry', code: 'CLUSTER_STOPPED', message: `${kind.kind} is no longer watched` })
}

interface Deferred {
  readonly promise: Promise<void>
  resolve(): void
  reject(problem: Problem): void
}

/** A promise that may be rejected while nobody waits for it. */
function deferred(): Deferred {
  let resolve: () => void = () => undefined
  let reject: (problem: Problem) => void = () => undefined
  const promise = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  promise.catch(() => undefined)
  return { promise, resolve, reject }
}
