import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { openBranch, type OpenedBranch } from '../src/git/open-branch.ts'
import { systemClock } from '../src/lib/clock.ts'
import { deployment, deploymentPath } from './fleet.ts'
import { median, medianMs, row, type Measurement } from './row.ts'
import { prepareSerin, startSerinChild } from './serin-process.ts'
import { person, startWorld, type World } from './world.ts'

const RUNS = 9
const POLLS = 15
const QUIET_MS = 600
const PATIENCE_MS = 60_000

/** How soon a release begins that a person pushes. */
export const pushToLedger: Measurement = {
  name: 'push-to-ledger',
  description: "time from a person's push to the first ledger commit at the server, by the webhook",
  async measure() {
    await prepareSerin()
    let onPush = (): void => {}
    const world = await startWorld(RUNS, () => onPush())
    const branch = openBranch({
      url: world.repositoryUrl,
      branch: 'main',
      directory: join(world.directory, 'ada'),
      clock: systemClock,
      timeoutMs: 30_000,
    })
    const serin = await startSerinChild(world)
    try {
      await untilQuiet(world, () => world.isSettled())
      const roundTrip = await medianMs(POLLS, () => branch.tip())
      const runs: { readonly ms: number; readonly requests: number }[] = []
      for (let run = 0; run < RUNS; run += 1) {
        const landed = release(world, branch, run, (next) => (onPush = next), `${serin.url}/webhooks/push`)
        runs.push(await landed)
        await untilQuiet(world, () => true)
      }
      const poll = { name: "the poll's round trip", value: roundTrip }
      return [
        row('push to first ledger commit, median', median(runs.map(({ ms }) => ms)), 'ms', poll),
        row('push to first ledger commit, slowest', Math.max(...runs.map(({ ms }) => ms)), 'ms', poll),
        {
          name: 'push to first ledger commit: Git',
          value: median(runs.map(({ requests }) => requests)),
          unit: 'requests',
        },
      ]
    } finally {
      await serin.stop()
      await branch.close()
      await world.close()
    }
  },
}

/** Pushes a new version of one target; the time between the server taking that push and taking the ledger's. */
async function release(
  world: World,
  branch: OpenedBranch,
  canary: number,
  listen: (onPush: () => void) => void,
  webhook: string,
): Promise<{ readonly ms: number; readonly requests: number }> {
  const tip = await branch.tip()
  if (tip === null) throw new Error('the source branch is missing')
  await branch.fetch(tip)
  const ledger = await world.ledgerTip()
  const changes = new Map([[deploymentPath(canary), deployment(canary, '1.0.1')]])
  const next = await branch.make({ parent: tip, changes, message: 'Release', author: person, timeMs: Date.now() })
  const landed = new Promise<{ readonly ms: number; readonly requests: number }>((resolve, reject) => {
    let start: { readonly atMs: number; readonly requests: number } | undefined
    listen(() => {
      if (start !== undefined) {
        const requests = world.gitRequests() - start.requests
        const ms = performance.now() - start.atMs
        void world.ledgerTip().then((now) => (now === ledger ? undefined : resolve({ ms, requests })))
        return
      }
      start = { atMs: performance.now(), requests: world.gitRequests() }
      tellOfPush(webhook).catch(reject)
    })
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

async function untilQuiet(world: World, isDone: () => boolean): Promise<void> {
  const startMs = performance.now()
  let lastMs = startMs
  let requests = -1
  while (performance.now() - lastMs < QUIET_MS || !isDone()) {
    if (performance.now() - startMs > PATIENCE_MS) throw new Error('the fleet does not come to rest')
    const now = world.gitRequests() + world.apiRequests()
    if (now !== requests) lastMs = performance.now()
    requests = now
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
