import type { Fate, OutsideCall } from '../../src/cli/stage/outside.ts'
import type { Interception } from '../../src/playground/cluster/embedded-cluster.ts'
import type { MemoryFault, MemoryOperation } from '../../src/playground/git-memory.ts'
import type { MetricAnswer } from '../../src/rollout/check.ts'
import type { Dice } from './dice.ts'

/** How often things go wrong: probabilities of one call. */
export interface FaultRates {
  readonly api: number
  readonly git: number
  readonly metrics: number
  readonly watch: number
  /** Of a call that changes something; others are a tenth as likely to be the last. */
  readonly kill: number
  readonly pause: number
  readonly slow: number
  /** The process is killed for certain at this call of the whole world that changes something; 0 for none. */
  readonly killAt: number
  /** The same for a pause, in which another process takes over. */
  readonly pauseAt: number
}

/** Some seeds know one kind of fault only, some all of them: simple failures are found by simple stories. */
export function drawRates(dice: Dice): FaultRates {
  const rate = (...rates: readonly number[]): number => dice.pick([0, 0, ...rates])
  return {
    api: rate(0.03, 0.15),
    git: rate(0.03, 0.2),
    metrics: rate(0.1),
    watch: rate(0.02, 0.1),
    kill: rate(0.02, 0.06),
    pause: rate(0.03, 0.1),
    slow: rate(0.05, 0.2),
    killAt: dice.chance(0.4) ? dice.between(1, 80) : 0,
    pauseAt: dice.chance(0.6) ? dice.between(10, 80) : 0,
  }
}

export function drawApi(dice: Dice, rates: FaultRates): Interception {
  if (!dice.chance(rates.api)) return 'pass'
  return dice.pick<Interception>([
    { drop: 'before' },
    { drop: 'after' },
    failure(500, 'InternalError'),
    failure(409, 'Conflict'),
    { fail: { ...failure(429, 'TooManyRequests').fail, retryAfterMs: 2000 } },
  ])
}

export function drawGit(dice: Dice, rates: FaultRates, operation: MemoryOperation): MemoryFault {
  // A tip is asked for every second: as likely as elsewhere, Git would be down all the time.
  if (!dice.chance(operation === 'tip' ? rates.git / 4 : rates.git)) return 'pass'
  return operation === 'push' ? dice.pick(['fail', 'lose-answer', 'late']) : 'fail'
}

export function drawMetrics(dice: Dice, rates: FaultRates): MetricAnswer | undefined {
  if (!dice.chance(rates.metrics)) return undefined
  return dice.pick<MetricAnswer>([{ kind: 'no-values' }, { kind: 'error', message: 'the answer was no JSON' }])
}

/** `count` is the number of calls so far that change something, this one included. */
export function drawFate(dice: Dice, rates: FaultRates, call: OutsideCall, count: number): Fate {
  const isChange = changes(call)
  if ((isChange && count === rates.killAt) || dice.chance(isChange ? rates.kill : rates.kill / 10)) {
    const when = dice.pick(['before', 'after', 'underway'] as const)
    return when === 'underway' ? { kind: 'die', when, arrivesMs: dice.between(1, 20_000) } : { kind: 'die', when }
  }
  if ((isChange && count === rates.pauseAt) || dice.chance(isChange ? rates.pause : rates.pause / 10)) {
    return { kind: 'pause', when: dice.pick(['before', 'after']), ms: dice.between(10, 60_000) }
  }
  return dice.chance(rates.slow) ? { kind: 'slow', ms: dice.between(1, 3000) } : { kind: 'pass' }
}

/** Whether a call changes something outside. */
export function changes({ to, text }: OutsideCall): boolean {
  return (
    to === 'spool' || text.startsWith('push') || (to === 'api' && !text.startsWith('GET') && !text.includes('/events'))
  )
}

function failure(status: number, reason: string): { fail: { status: number; body: Record<string, string | number> } } {
  const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, code: status, message: 'simulated' }
  return { fail: { status, body } }
}
