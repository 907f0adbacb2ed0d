import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { openBranch, type OpenedBranch } from '../src/git/open-branch.ts'
import type { Oid } from '../src/git/types.ts'
import { systemClock } from '../src/lib/clock.ts'
import { createBareRepository } from '../src/playground/git-repository.ts'
import { serveGit, type GitServer } from '../src/playground/git-server.ts'

/** One measured figure. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
}

interface Place {
  readonly server: GitServer
  readonly root: string
  open(repository: string, branch: string): OpenedBranch
}

const author = { name: 'Bench', email: 'bench@example.com' }
const timeMs = Date.UTC(2026, 0, 1)

/** Ledger commits a second with so many commits in each push, on a branch with the state of 1,000 canaries. */
export async function ledgerThroughput(perPush: number, pushes: number): Promise<Figure> {
  return withServer(async (place) => {
    const files = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [statusPath(i), status(0)]))
    await createBareRepository(place.root, 'ledger.git', files, { branch: 'serin/default', author, timeMs })
    const branch = place.open('ledger.git', 'serin/default')
    let tip = await pull(branch)
    let canary = 0
    const seconds = await timed(async () => {
      for (let push = 0; push < pushes; push += 1) {
        let next = tip
        for (let i = 0; i < perPush; i += 1) {
          canary = (canary + 7) % 1000
          const changes = new Map([[statusPath(canary), status(push + 1)]])
          next = await branch.make({ parent: next, changes, message: `Advance canary ${canary}`, author, timeMs })
        }
        const outcome = await branch.push(tip, next)
        if (outcome.kind !== 'landed') throw new Error(`the push did not land: ${outcome.kind}`)
        tip = next
      }
    })
    return { name: `ledger, ${perPush} commits a push`, value: (perPush * pushes) / seconds, unit: 'commits/s' }
  })
}

/** From nothing to 100 texts read out of a repository of so many files; then the same after a restart, and after one change. */
export async function startOnRepository(fileCount: number): Promise<readonly Figure[]> {
  return withServer(async (place) => {
    const files = Object.fromEntries(Array.from({ length: fileCount }, (_, i) => [manifestPath(i), manifest(i)]))
    await createBareRepository(place.root, 'fleet.git', files, { branch: 'main', author, timeMs })
    const first = place.open('fleet.git', 'main')
    const start = await timed(() => readSome(first, 100))
    const again = place.open('fleet.git', 'main')
    const restart = await timed(() => readSome(again, 100))
    const everything = await timed(() => readSome(again, fileCount))
    const writer = place.open('fleet.git', 'main')
    const tip = await pull(writer)
    const changes = new Map([[manifestPath(3), manifest(-1)]])
    const change = await timed(async () => {
      const next = await writer.make({ parent: tip, changes, message: 'Change', author, timeMs })
      await writer.push(tip, next)
    })
    const follow = await timed(async () => {
      const next = await pull(first)
      await first.changedPaths(tip, next)
    })
    const size = `${fileCount.toLocaleString('en')} files`
    return [
      { name: `start on ${size}, 100 texts`, value: start * 1000, unit: 'ms' },
      { name: `restart on ${size}, 100 texts`, value: restart * 1000, unit: 'ms' },
      { name: `all texts of ${size}`, value: everything * 1000, unit: 'ms' },
      { name: `one change to ${size}, made and pushed`, value: change * 1000, unit: 'ms' },
      { name: `one change to ${size}, fetched and compared`, value: follow * 1000, unit: 'ms' },
    ]
  })
}

/** Requests and time of one question whether anything is new. */
export async function steadyPoll(polls: number): Promise<readonly Figure[]> {
  return withServer(async (place) => {
    await createBareRepository(place.root, 'fleet.git', { a: '1' }, { branch: 'main', author, timeMs })
    const branch = place.open('fleet.git', 'main')
    const tip = await pull(branch)
    const before = place.server.requests()
    const seconds = await timed(async () => {
      for (let i = 0; i < polls; i += 1) {
        const now = await branch.tip()
        if (now !== tip) throw new Error('the tip moved')
      }
    })
    return [
      { name: 'a poll with nothing new', value: (place.server.requests() - before) / polls, unit: 'requests' },
      { name: 'a poll with nothing new', value: (seconds * 1000) / polls, unit: 'ms' },
    ]
  })
}

/** Every figure of the Git store. */
export async function benchGitStore(): Promise<readonly Figure[]> {
  return [
    await ledgerThroughput(1, 30),
    await ledgerThroughput(10, 20),
    await ledgerThroughput(50, 10),
    ...(await startOnRepository(10_000)),
    ...(await steadyPoll(20)),
  ]
}

async function withServer<T>(task: (place: Place) => Promise<T>): Promise<T> {
  const root = await mkdtemp(join(tmpdir(), 'serin-bench-'))
  const server = await serveGit({ root })
  const opened: OpenedBranch[] = []
  const open = (repository: string, branch: string): OpenedBranch => {
    const url = `${server.url}/${repository}`
    const one = openBranch({ url, branch, directory: join(root, 'clones'), clock: systemClock, timeoutMs: 60_000 })
    opened.push(one)
    return one
  }
  try {
    return await task({ server, root, open })
  } finally {
    await Promise.all(opened.map((branch) => branch.close()))
    await server.close()
    await rm(root, { recursive: true, force: true })
  }
}

async function readSome(branch: OpenedBranch, count: number): Promise<void> {
  const tip = await pull(branch)
  const files = await branch.files(tip, [''])
  for (const file of files.slice(0, count)) await branch.text(file.oid)
}

async function pull(branch: OpenedBranch): Promise<Oid> {
  const tip = await branch.tip()
  if (tip === null) throw new Error('the branch is missing')
  await branch.fetch(tip)
  return tip
}

async function timed(task: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await task()
  return (performance.now() - start) / 1000
}

function statusPath(i: number): string {
  return `ns-${i % 50}/canary-${i}/status.yaml`
}

function status(weight: number): string {
  return `phase: Progressing\ncanaryWeight: ${weight}\niterations: 0\nfailedChecks: 0\nlastTransitionTime: "2026-01-01T00:00:00Z"\n`
}

function manifestPath(i: number): string {
  return `team-${i % 20}/app-${Math.floor(i / 5)}/file-${i % 5}.yaml`
}

function manifest(i: number): string {
  return `apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-${i}\nspec:\n  template:\n    spec:\n      containers:\n        - name: app\n          image: registry.example/app:${i * 7919}\n`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { name, value, unit } of await benchGitStore()) {
    process.stdout.write(`${name.padEnd(50)} ${value.toFixed(value < 10 ? 1 : 0).padStart(8)} ${unit}\n`)
  }
}
