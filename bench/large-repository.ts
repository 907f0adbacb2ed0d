import git from 'isomorphic-git'
import http from 'isomorphic-git/http/node'
import { execFile, spawn } from 'node:child_process'
import fs from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openBranch, type OpenedBranch } from '../src/git/open-branch.ts'
import { systemClock } from '../src/lib/clock.ts'
import { createBareRepository } from '../src/playground/git-repository.ts'
import { serveGit } from '../src/playground/git-server.ts'
import { SourceWatch } from '../src/reconciler/source-watch.ts'
import { deployment, deploymentPath, fleetFiles } from './fleet.ts'
import { formatNumber, median, row, timedMs, type Measurement } from './row.ts'
import { person } from './world.ts'

const CANARIES = 50
const FILES = 10_000
const CHANGES = 5
const run = promisify(execFile)

interface Place {
  readonly directory: string
  readonly url: string
  /** Serin's own clone in a folder. */
  open(folder: string): OpenedBranch
}

/** What a large repository costs. */
export const largeRepository: Measurement = {
  name: 'repository',
  description: 'fetch and start on a repository of 10,000 files, against isomorphic-git and git',
  measure: () =>
    withRepository(async (place) => {
      const ours = await timedMs(() => readAll(place.open('ours')))
      const warm = await timedMs(() => readAll(place.open('ours')))
      const isomorphic = await timedMs(() => readWithIsomorphicGit(place))
      const gits = await timedMs(() => readWithGit(place))
      const start = await timedMs(() => watchOn(place.open('first')).look())
      const branch = place.open('first')
      const watch = watchOn(branch)
      const restart = await timedMs(() => watch.look())
      const changes: number[] = []
      for (let i = 0; i < CHANGES; i += 1) {
        await change(place.open('writer'), i)
        changes.push(await timedMs(() => watch.look()))
      }
      const unchanged = await timedMs(() => watch.look())
      const clone = { name: "isomorphic-git's clone and reads", value: isomorphic }
      const first = { name: 'the first look', value: start }
      return [
        row('10,000 files, fetch and read all', ours, 'ms', clone),
        row('10,000 files, fetch and read all', ours, 'ms', { name: 'git clone and cat-file', value: gits }),
        row('10,000 files, read all again after a restart', warm, 'ms', { name: 'with the fetch', value: ours }),
        row('10,000 files, first look: canaries known', start, 'ms', clone),
        row('10,000 files, first look after a restart', restart, 'ms', first),
        row('10,000 files, look after one change', median(changes), 'ms', first),
        row('10,000 files, look without a change', unchanged, 'ms', first),
      ]
    }),
}

async function withRepository<T>(task: (place: Place) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'serin-bench-'))
  const opened: OpenedBranch[] = []
  const server = await serveGit({ root: directory })
  const url = `${server.url}/fleet.git`
  try {
    const options = { branch: 'main', author: person, timeMs: Date.now() }
    await createBareRepository(directory, 'fleet.git', files(), options)
    const open = (folder: string): OpenedBranch => {
      const at = join(directory, folder)
      const branch = openBranch({ url, branch: 'main', directory: at, clock: systemClock, timeoutMs: 60_000 })
      opened.push(branch)
      return branch
    }
    return await task({ directory, url, open })
  } finally {
    await Promise.all(opened.map((branch) => branch.close()))
    await server.close()
    await rm(directory, { recursive: true, force: true })
  }
}

/** Fifty canaries among manifests of other things. */
function files(): Record<string, string> {
  const all = fleetFiles(CANARIES)
  for (let i = Object.keys(all).length; i < FILES; i += 1) {
    all[`other/team-${i % 40}/part-${Math.floor(i / 200)}/settings-${i}.yaml`] =
      `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings-${i}\n  namespace: team-${i % 20}\ndata:\n  level: info\n  shard: "${i}"\n  url: https://example.com/${i * 7919}\n`
  }
  return all
}

async function readAll(branch: OpenedBranch): Promise<void> {
  const tip = await tipOf(branch)
  await branch.fetch(tip)
  let read = 0
  for (const { oid } of await branch.files(tip, [''])) read += (await branch.text(oid)) === null ? 0 : 1
  check(read, 'we')
}

async function readWithIsomorphicGit({ directory, url }: Place): Promise<void> {
  const dir = join(directory, 'isomorphic')
  const cache = {}
  await git.clone({ fs, http, dir, url, ref: 'main', singleBranch: true, depth: 1, noCheckout: true, cache })
  const tip = await git.resolveRef({ fs, dir, ref: 'main' })
  let read = 0
  const trees = [git.TREE({ ref: tip })]
  await git.walk({
    fs,
    dir,
    cache,
    trees,
    map: async (_path, [entry]) => {
      if ((await entry?.type()) === 'blob' && (await entry?.content()) !== undefined) read += 1
    },
  })
  check(read, 'isomorphic-git')
}

async function readWithGit({ directory, url }: Place): Promise<void> {
  const dir = join(directory, 'plain.git')
  await run('git', ['clone', '--quiet', '--bare', '--depth', '1', '--branch', 'main', url, dir])
  const listed = await run('git', ['-C', dir, 'ls-tree', '-r', 'main'], { maxBuffer: 64 * 1024 * 1024 })
  const oids = listed.stdout.split('\n').flatMap((line) => line.split(/\s/)[2] ?? [])
  const child = spawn('git', ['-C', dir, 'cat-file', '--batch'], { stdio: ['pipe', 'pipe', 'ignore'] })
  child.stdin.end(`${oids.join('\n')}\n`)
  let bytes = 0
  for await (const part of child.stdout) bytes += Buffer.isBuffer(part) ? part.length : 0
  check(bytes > oids.length * 60 ? oids.length : 0, 'git')
}

function watchOn(branch: OpenedBranch): SourceWatch {
  const nothing = (): void => {}
  const log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
  return new SourceWatch({ branch, paths: ['.'], recorded: () => [], log })
}

async function change(branch: OpenedBranch, i: number): Promise<void> {
  const tip = await tipOf(branch)
  await branch.fetch(tip)
  const changes = new Map([[deploymentPath(i), deployment(i, '1.0.1')]])
  const next = await branch.make({ parent: tip, changes, message: 'Release', author: person, timeMs: Date.now() })
  const outcome = await branch.push(tip, next)
  if (outcome.kind !== 'landed') throw new Error(`the push did not land: ${outcome.kind}`)
}

async function tipOf(branch: OpenedBranch): Promise<string> {
  const tip = await branch.tip()
  if (tip === null) throw new Error('the branch is missing')
  return tip
}

/** A comparison counts only when both have done all of the work. */
function check(read: number, who: string): void {
  if (read !== FILES) throw new Error(`${who} read ${formatNumber(read)} files`)
}
