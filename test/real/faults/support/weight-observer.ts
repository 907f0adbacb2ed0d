import type { Client } from '../../../../src/cluster/client.ts'
import { isObject, numberAt, stringAt } from '../../../../src/lib/json.ts'
import type { KubeObject } from '../../../../src/lib/kube-object.ts'
import type { LedgerFile } from './ledger-file.ts'

const KIND = { apiVersion: 'networking.istio.io/v1beta1', kind: 'VirtualService' }
const AGAIN_MS = 50

/** A canary's weight from one moment on. */
export interface Seen {
  readonly name: string
  /** undefined: there is no route. */
  readonly weight: number | undefined
  /** When it was heard of. */
  readonly atMs: number
  /** The ledger's tip at that moment. */
  readonly tip: string | undefined
}

/**
 * Looks at the routes of a namespace through a connection of its own, from the start to the end of a test, and notes every
 * weight that they ever give. Goes on from where it was when the API server goes away, so that no change escapes it.
 */
export class WeightObserver {
  readonly seen: Seen[] = []
  private readonly client: Client
  private readonly namespace: string
  private readonly ledger: LedgerFile
  private readonly stopping = new AbortController()
  private readonly done: Promise<void>
  private version = ''

  constructor(client: Client, namespace: string, ledger: LedgerFile) {
    this.client = client
    this.namespace = namespace
    this.ledger = ledger
    this.done = this.run()
  }

  /** What the route of a name gives the canary now; 0 where there is none. */
  weight(name: string): number {
    return this.seen.findLast((one) => one.name === name)?.weight ?? 0
  }

  /** The weights of a name in their order, each one that differs from the one before. */
  weights(name: string, sinceMs = 0): readonly number[] {
    const all = this.seen.filter((one) => one.name === name && one.atMs >= sinceMs).map(({ weight }) => weight ?? 0)
    return all.filter((weight, index) => index === 0 || weight !== all[index - 1])
  }

  async stop(): Promise<void> {
    this.stopping.abort()
    await this.done
  }

  /**
   * Everything that should never have been: a weight that was not recorded at that time or shortly before. The ledger's tip
   * was read after the weight was heard of, so a weight counts as recorded when some commit between the last look and
   * that tip has it or more.
   */
  async wrongs(name: string): Promise<readonly string[]> {
    const history = await this.ledger.history(`${this.namespace}/${name}`)
    const positions = await this.ledger.positions()
    const place = (oid: string | undefined): number => (oid === undefined ? -1 : (positions.get(oid) ?? -1))
    const wrongs: string[] = []
    let from = -1
    for (const { weight = 0, tip, atMs } of this.seen.filter((one) => one.name === name)) {
      const to = place(tip)
      const before = history.findLast(({ oid }) => place(oid) <= from)?.weight ?? 0
      const between = history.filter(({ oid }) => place(oid) > from && place(oid) <= to).map((one) => one.weight)
      const allowed = Math.max(before, ...between)
      if (weight > allowed)
        wrongs.push(`${name} had ${weight} at ${new Date(atMs).toISOString()}, recorded: ${allowed}`)
      from = to
    }
    return wrongs
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping
    while (!signal.aborted) {
      try {
        await this.follow(signal)
      } catch {
        if (signal.aborted) return
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      }
    }
  }

  private async follow(signal: AbortSignal): Promise<void> {
    const { client, namespace } = this
    if (this.version === '') {
      const { items, resourceVersion } = await client.list(KIND, { namespace, signal })
      this.missing(items)
      for (const item of items) this.note(item, true)
      this.version = resourceVersion
    }
    const answer = await client.watch(KIND, { namespace, resourceVersion: this.version, signal })
    if (answer.kind === 'refused') {
      if (answer.response.status === 410) this.version = ''
      throw new Error('refused')
    }
    for await (const { type, object } of answer.lines) {
      if (type === 'ERROR') {
        this.version = ''
        return
      }
      this.version = stringAt(object, 'metadata', 'resourceVersion') ?? this.version
      if (type !== 'BOOKMARK' && isObject(object)) this.note(object as unknown as KubeObject, type !== 'DELETED')
    }
  }

  /** Routes that went while nobody looked. */
  private missing(items: readonly KubeObject[]): void {
    const there = new Set(items.map(({ metadata }) => metadata.name))
    for (const name of new Set(this.seen.map((one) => one.name))) if (!there.has(name)) this.add(name, undefined)
  }

  private note(route: KubeObject, isThere: boolean): void {
    this.add(route.metadata.name, isThere ? (numberAt(route, 'spec', 'http', 0, 'route', 1, 'weight') ?? 0) : undefined)
  }

  private add(name: string, weight: number | undefined): void {
    this.seen.push({ name, weight, atMs: Date.now(), tip: this.ledger.tip() })
  }
}
