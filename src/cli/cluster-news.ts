import type { Clock } from '../lib/clock.ts'
import type { Problem } from '../lib/problem.ts'
import type { Logger } from '../reconciler/ports.ts'

/** What the log tells of the connection to the cluster. */
export interface ClusterNews {
  /** Something in the background failed. */
  problem(problem: Problem): void
  /** The cluster answered something. */
  answered(): void
  /** The clock here turned out to be so many milliseconds ahead of the cluster's; see `createClusterClock`. */
  skew(aheadMs: number): void
}

const TELL_AGAIN_MS = 60_000
/** A clock that is wrong by less does no harm that a person needs to know of. */
const WORTH_TELLING_MS = 60_000

/**
 * Every watched kind tells the same of a cluster that is away, each time that it tries: a log says it once a minute, and
 * once that the cluster is back.
 */
export function clusterNews(log: Logger, clock: Clock): ClusterNews {
  const saidMs = new Map<string, number>()
  let isAway = false
  let skewMs = 0
  return {
    problem: ({ code, place, hint, message }) => {
      const nowMs = clock.now()
      for (const [text, ms] of saidMs) if (nowMs - ms >= TELL_AGAIN_MS) saidMs.delete(text)
      const fields = { code, place, hint }
      if (saidMs.has(message)) return log.debug(fields, message)
      saidMs.set(message, nowMs)
      if (code === 'CLUSTER_UNREACHABLE') isAway = true
      return log.warn(fields, message)
    },
    answered: () => {
      if (!isAway) return
      isAway = false
      log.info({ what: 'cluster' }, 'reachable again')
    },
    skew: (aheadMs) => {
      if (Math.abs(aheadMs - skewMs) < WORTH_TELLING_MS) return
      skewMs = aheadMs
      const seconds = Math.round(aheadMs / 1000)
      const how = seconds > 0 ? `${seconds} s ahead of` : `${-seconds} s behind`
      const fields = { code: 'CLOCK_SKEW', hint: 'set the clock of this machine, or those of the control plane' }
      log.warn(fields, `the clock here is ${how} the cluster's, which is the one that counts`)
    },
  }
}
