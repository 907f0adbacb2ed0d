import type { Forge } from '../forge/types.ts'
import type { Clock } from '../lib/clock.ts'
import { toProblem } from '../lib/problem.ts'
import type { Logger } from './ports.ts'

/** How long a rollout waits for the forge's answer before it goes on without. */
const PATIENCE_MS = 3000
/** How soon a failed question is asked again. */
const ASK_AGAIN_MS = 30_000

/** Finds the pull request of a commit, without ever holding a rollout up for long. */
export class PullRequests {
  private readonly options: { readonly forge: Forge | undefined; readonly clock: Clock; readonly log: Logger }
  private readonly asked = new Map<string, { readonly url: Promise<string | undefined>; readonly atMs: number }>()

  constructor(options: { readonly forge: Forge | undefined; readonly clock: Clock; readonly log: Logger }) {
    this.options = options
  }

  /** The pull request's web address; undefined when there is none, no forge, or no answer in time. */
  async of(commit: string): Promise<string | undefined> {
    const { forge, clock } = this.options
    if (forge === undefined) return undefined
    let known = this.asked.get(commit)
    if (known === undefined) {
      known = { url: this.ask(forge, commit), atMs: clock.now() }
      this.asked.set(commit, known)
    }
    let cancel = (): void => {}
    const patience = new Promise<undefined>((resolve) => {
      cancel = clock.after(PATIENCE_MS, () => resolve(undefined))
    })
    try {
      return await Promise.race([known.url, patience])
    } finally {
      cancel()
    }
  }

  private async ask(forge: Forge, commit: string): Promise<string | undefined> {
    const { clock, log } = this.options
    try {
      return (await forge.pullRequestOf(commit))?.url
    } catch (error) {
      log.warn({ commit, code: toProblem(error).code }, 'could not find the pull request of a commit')
      clock.after(ASK_AGAIN_MS, () => this.asked.delete(commit))
      return undefined
    }
  }
}
