import { ledgerBranch } from '../../src/cli/stage/staged-serin.ts'
import { unrest } from './convergence.ts'
import { act, lastRelease, settleStory } from './story.ts'
import { createWorld, type World } from './world.ts'

/** What came of a seed: `failure` says what must not have happened. */
export interface Played {
  readonly seed: number
  readonly failure: string | undefined
  readonly world: World
}

/** Longest time to come to rest after the faults have ended, in virtual milliseconds. */
const LONGEST_UNREST_MS = 20 * 60_000
/** At rest for that long, nothing may be written any more. */
const REST_MS = 30_000
const STEP_MS = 5000
/** Longer than any process stands still. */
const LONGEST_PAUSE_MS = 65_000

/** Plays a seed's story with its faults, lets it heal and waits until everything agrees. */
export async function play(seed: number): Promise<Played> {
  const world = await createWorld(seed)
  const failure = await story(world)
  for (const serin of world.serins()) serin.kill()
  world.stage.cluster.stop()
  return { seed, failure, world }
}

async function story(world: World): Promise<string | undefined> {
  const { stage, dice, invariants } = world
  const isBroken = (): boolean => invariants.breaches.length > 0
  world.startSerin()
  await stage.clock.run(dice.between(1000, 15_000), isBroken)
  for (let left = dice.between(2, 6); left > 0 && !isBroken(); left -= 1) {
    act(world)
    await stage.clock.run(
      dice.pick([dice.between(0, 2000), dice.between(0, 30_000), dice.between(0, 90_000)]),
      isBroken,
    )
  }
  settleStory(world)
  world.heal()
  if (world.isRewritten) {
    // Until every Serin has seen the rewritten branch: then another commit says that it is meant.
    await stage.clock.run(LONGEST_PAUSE_MS, isBroken)
    lastRelease(world)
  }
  return isBroken() ? invariants.breaches.join('; ') : rest(world, isBroken)
}

/** Waits until everything agrees and stays so. */
async function rest(world: World, isBroken: () => boolean): Promise<string | undefined> {
  const { stage, invariants } = world
  const endMs = stage.clock.now() + LONGEST_UNREST_MS
  let reason: string | undefined = 'not started'
  let since: { readonly ms: number; readonly tips: string } | undefined
  while (stage.clock.now() < endMs) {
    await stage.clock.run(STEP_MS, isBroken)
    if (isBroken()) return invariants.breaches.join('; ')
    reason = unrest(world)
    const tips = `${stage.remote.tip('main')} ${stage.remote.tip(ledgerBranch)}`
    if (reason !== undefined || since?.tips !== tips)
      since = reason === undefined ? { ms: stage.clock.now(), tips } : undefined
    if (since !== undefined && stage.clock.now() - since.ms >= REST_MS) return undefined
  }
  return `no rest: ${reason ?? 'the branches go on moving'}`
}

/** All that is needed to understand and replay a failure. */
export function describeFailure({ seed, failure, world }: Played): string {
  const branches = ['main', ledgerBranch].flatMap((branch) => [
    `${branch}:`,
    ...(world.stage.remote.tip(branch) === null ? [] : world.stage.remote.log(branch)).map(
      ({ oid, author, message }) => `  ${oid.slice(0, 7)} ${author.name}: ${message.split('\n', 1)[0]}`,
    ),
  ])
  return [
    `seed ${seed}: ${failure}`,
    `faults: ${JSON.stringify(world.rates)}`,
    ...branches,
    'what happened:',
    ...world.trace.slice(-150).map((line) => `  ${line}`),
    `replay: SERIN_SEED=${seed} npx vitest run test/simulation`,
  ].join('\n')
}
