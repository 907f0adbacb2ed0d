import { setTimeout as sleep } from 'node:timers/promises'
import { openClone, type Clone, type Repository } from './repository.ts'

/** One who pushes all the time, with a clone and credentials of their own. */
export interface SecondWriter {
  /** The commits whose push the server has taken, oldest first. */
  readonly commits: readonly string[]
  /** How many pushes somebody else was faster than. */
  lost(): number
  /** Resolves when it has stopped. Rejects with what went wrong. */
  stop(): Promise<void>
}

export interface SecondWriterOptions {
  readonly repository: Repository
  readonly branch: string
  /** The name on the commits. */
  readonly person: string
  /** What the commit with this number changes, from 1 on. */
  readonly change: (clone: Clone, number: number) => Promise<void>
}

/** Between two commits it rests as long as one takes here, or people who pull first would never have their turn. */
const REST = 1
const MOST_COMMITS = 1000

/** Begins to push: one commit after the other, each with plain `git`. */
export async function startSecondWriter(options: SecondWriterOptions): Promise<SecondWriter> {
  const { repository, branch, person, change } = options
  const clone = await openClone(repository, branch, person)
  const commits: string[] = []
  let lost = 0
  let isStopped = false
  const write = async (): Promise<void> => {
    while (!isStopped && commits.length < MOST_COMMITS) {
      const number = commits.length + 1
      await change(clone, number)
      const startMs = performance.now()
      const pushed = await clone.push(`Note ${number} on ${branch}`)
      commits.push(pushed.commit)
      lost += pushed.lost
      await sleep(REST * ((performance.now() - startMs) / (pushed.lost + 1)))
    }
  }
  const running = write()
  // It is told by `stop`.
  running.catch(() => undefined)
  return {
    commits,
    lost: () => lost,
    async stop() {
      isStopped = true
      await running
    },
  }
}
