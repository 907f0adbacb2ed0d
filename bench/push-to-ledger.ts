import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { openBranch, type OpenedBranch } from '../src/git/open-branch.ts'
import { systemClock } from '../src/lib/clock.ts'
import { deployment, deploymentPath } from './fleet.ts'
import { median, medianMs, row, type Measurement } from './row.ts'
import { prepareSerin, startSerinChild, untilAtRest } from './serin-process.ts'
import { person, startWorld, type World } from './world.ts'

const RUNS = 9
const POLLS = 15
const PATIENCE_MS = 60_000

/** How soon a release begins that a person pushes. */
export const pushToLedger: Measurement = {
  name: 'push-to-ledger',
  description: "time from a person's push to the first ledger commit at the server, by the webhook",
  async measure() {
    await prepareSerin()
    const pushes: Listeners = { byPerson: () => {}, bySerin: () => {} }
    const world = await startWorld(RUNS, { byPerson: () => pushes.byPerson(), bySerin: () => pushes.bySerin() })
    const branch = openBranch({
      url: world.personUrl,
      branch: 'main',
      directory: join(world.directory, 'ada'),
      clock: systemClock,
      timeoutMs: 30_000,
    })
    const serin = await startSerinChild(world)
    try {
      await untilAtRest(serin, world, () => world.isSettled())
      const roundTrip = await medianMs(POLLS, () => branch.tip())
      const runs: Landing[] = []
      for (let run = 0; run < RUNS; run += 1) {
        runs.push(await release(world, branch, run, pushes, `${serin.url}/webhooks/push`))
        await untilAtRest(serin, world, () => true)
      }
      const poll = { name: "the poll's round trip", value: roundTrip }
      const times = runs.map(({ ms }) => ms)
      const requests = median(runs.map((one) => one.requests))
      return [
        row('push to first ledger commit, median', median(times), 'ms', poll),
        row('push to first ledger commit, slowest', Math.max(...times), 'ms', poll),
        { name: 'push to first ledger commit: Git', value: requests, unit: 'requests' },
      ]
    } finally {
      await serin.stop()
      await branch.close()
      await world.close()
    }
  },
}

interface Listeners {
  byPerson: () => void
  bySerin: () => void
}

/** From the server's taking of a person's push to its taking of Serin's. */
interface Landing {
  readonly ms: number
  /** Serin's to Git, the push included. */
  readonly requests: number
}

/** Pushes a new version of one target and tells the webhook. */
async function release(
  world: World,
  branch: OpenedBranch,
  canary: number,
  pushes: Listeners,
  webhook: string,
): Promise<Landing> {
  const tip = await branch.tip()
  if (tip === null) throw new Error('the source branch is missing')
  await branch.fetch(tip)
  const changes = new Map([[deploymentPath(canary), deployment(canary, '1.0.1')]])
  const next = await branch.make({ parent: tip, changes, message: 'Release', author: person, timeMs: Date.now() })
  const landed = new Promise<Landing>((resolve, reject) => {
    pushes.byPerson = () => {
      const startMs = performance.now()
      const before = world.gitRequests()
      pushes.bySerin = () => resolve({ ms: performance.now() - startMs, requests: world.gitRequests() - before })
      tellOfPush(webhook).catch(reject)
    }
    setTimeout(() => reject(new Error('no ledger commit followed the push')), PATIENCE_MS).unref()
  })
  const [, measured] = await Promise.all([branch.push(tip, next), landed])
  return measured
}

async function tellOfPush(webhook: string): Promise<void> {
  const body = JSON.stringify({ ref: 'refs/heads/main' })
  const response = await fetch(webhook, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  if (response.status !== 202) throw new Error(`the webhook was answered ${response.status}`)
}
