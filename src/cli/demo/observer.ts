import type { LedgerEntry } from '../../ledger/entry.ts'
import { readFolder } from '../../ledger/read-tree.ts'
import { openBranch, type OpenedBranch } from '../../git/open-branch.ts'
import type { Commit } from '../../git/types.ts'
import { systemClock } from '../../lib/clock.ts'
import { at, numberAt, stringAt } from '../../lib/json.ts'
import { Problem } from '../../lib/problem.ts'
import type { EmbeddedCluster } from '../../playground/cluster/embedded-cluster.ts'

export const demoKey = 'test/podinfo'
const NO_COMMIT = '0'.repeat(40)
const LOOK_EVERY_MS = 25

/** Looks at the demo's world from outside, as a sceptic would: Git by a client of its own, the cluster by its objects. */
export class Observer {
  private readonly cluster: EmbeddedCluster
  private readonly main: OpenedBranch
  private readonly ledger: OpenedBranch

  constructor(cluster: EmbeddedCluster, url: string, directory: string) {
    this.cluster = cluster
    const options = { url, directory, clock: systemClock, timeoutMs: 10_000 }
    this.main = openBranch({ ...options, branch: 'main' })
    this.ledger = openBranch({ ...options, branch: 'serin/demo' })
  }

  /** The canary's weight in the route that clients follow. */
  canaryWeight(): number {
    const [route] = this.cluster.list('networking.istio.io/v1beta1', 'VirtualService', 'test')
    return numberAt(route, 'spec', 'http', 0, 'route', 1, 'weight') ?? 0
  }

  /** The image tag that a Deployment's template names. */
  tagOf(name: string): string | undefined {
    const image = stringAt(this.deployment(name), 'spec', 'template', 'spec', 'containers', 0, 'image')
    return image?.split(':').at(-1)
  }

  replicasOf(name: string): number | undefined {
    return numberAt(this.deployment(name), 'spec', 'replicas')
  }

  phase(): string | undefined {
    const [canary] = this.cluster.list('flagger.app/v1beta1', 'Canary', 'test')
    return stringAt(canary, 'status', 'phase')
  }

  serviceNames(): readonly string[] {
    return this.cluster.list('v1', 'Service', 'test').map((service) => service.metadata.name)
  }

  async entry(): Promise<LedgerEntry | undefined> {
    const tip = await this.fetch(this.ledger)
    if (tip === undefined) return undefined
    const entry = await readFolder(this.ledger, tip, demoKey)
    return entry === null || entry instanceof Problem ? undefined : entry
  }

  /** All commits of a branch, oldest first. */
  async log(branch: 'main' | 'ledger'): Promise<readonly Commit[]> {
    const opened = branch === 'main' ? this.main : this.ledger
    const tip = await this.fetch(opened)
    if (tip === undefined) return []
    await opened.deepen(NO_COMMIT)
    return (await opened.between(null, tip)) ?? []
  }

  /** A file of main's tip. */
  async read(path: string): Promise<string | null> {
    const tip = await this.fetch(this.main)
    return tip === undefined ? null : this.main.read(tip, path)
  }

  /** Waits until something holds. Rejects after `ms` milliseconds with what was waited for. */
  async until(what: string, ms: number, holds: () => boolean | Promise<boolean>): Promise<void> {
    const endMs = Date.now() + ms
    while (!(await holds())) {
      if (Date.now() > endMs) throw new Error(`waited ${ms / 1000} s in vain until ${what}`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.main.close(), this.ledger.close()])
  }

  private deployment(name: string): unknown {
    return this.cluster.list('apps/v1', 'Deployment', 'test').find((one) => at(one, 'metadata', 'name') === name)
  }

  private async fetch(branch: OpenedBranch): Promise<string | undefined> {
    const tip = await branch.tip()
    if (tip === null) return undefined
    await branch.fetch(tip)
    return tip
  }
}
