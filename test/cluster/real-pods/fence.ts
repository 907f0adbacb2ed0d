import type { Claim } from '../../../src/cli/demo/check.ts'
import { ofRevision, type LoggedCommit } from './repository.ts'
import type { Told } from './story.ts'
import type { World } from './world.ts'

/** A rollback's commit may come before the proxy has taken the weight, for both are on their way at once: by so much. */
const AT_ONCE_MS = 1000

/**
 * The two promises about the order of Git and traffic, by the clocks of the Git server and of the proxy: towards risk Git
 * comes first, towards safety traffic does not wait for it.
 */
export function fence(world: World, { good, bad }: Told, ledger: readonly LoggedCommit[]): readonly Claim[] {
  const { changes } = world.mesh
  const steps = [good, bad].flatMap((act) =>
    ofRevision(ledger, act.merge).flatMap((commit) => {
      const weight = /^Advance podinfo\.test canary weight (\d+)$/.exec(commit.subject)?.[1]
      if (weight === undefined) return []
      const taken = changes.find(({ atMs, canary }) => atMs > act.fromMs && canary === Number(weight))
      return [(taken?.atMs ?? Number.NaN) - pushedMs(world, ledger, commit)]
    }),
  )
  const rollback = ofRevision(ledger, bad.merge).find(({ subject }) => subject.startsWith('Rolling back'))
  const zeroMs = changes.findLast(({ atMs, canary }) => atMs < bad.toMs && canary === 0)?.atMs ?? Number.NaN
  const lateMs = rollback === undefined ? Number.NaN : zeroMs - pushedMs(world, ledger, rollback)
  const order = lateMs < 0 ? `${-lateMs} ms before` : `${lateMs} ms after`
  return [
    {
      holds: steps.length === 6 && steps.every((ms) => ms >= 0),
      text: `each of ${steps.length} weights was on the Git server before the proxy took it (by ${Math.min(...steps)} to ${Math.max(...steps)} ms)`,
    },
    {
      holds: lateMs < AT_ONCE_MS,
      text: `the rollback did not wait for Git: all traffic was on the primary ${order} its commit was on the server`,
    },
  ]
}

/** When the server had a commit: with the first push whose tip is that commit or a later one. */
function pushedMs(world: World, ledger: readonly LoggedCommit[], commit: LoggedCommit): number {
  const place = new Map(ledger.map(({ oid }, index) => [oid, index]))
  const own = place.get(commit.oid) ?? Number.NaN
  return world.repository.ledgerPushes.find(({ tip }) => (place.get(tip) ?? -1) >= own)?.atMs ?? Number.NaN
}
