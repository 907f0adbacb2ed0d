import { execFile, fork, type ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { z } from 'zod'
import type { World } from './world.ts'

const Answer = z.object({
  to: z.string(),
  url: z.string().default(''),
  rssBytes: z.number().default(0),
  heapBytes: z.number().default(0),
  cpuMs: z.number().default(0),
})
type Answer = z.infer<typeof Answer>

/** A Serin in a process of its own, bundled as the released one is. It looks only when it is told to or by its webhook. */
export interface SerinChild {
  /** Of its webhook. */
  readonly url: string
  look(): Promise<void>
  /** Processor time since the process began, in milliseconds. */
  cpuMs(): Promise<number>
  /** After garbage collections. */
  memory(): Promise<{ readonly rssBytes: number; readonly heapBytes: number }>
  stop(): Promise<void>
}

const QUIET_MS = 700
const IDLE_CPU_MS = 60
const PATIENCE_MS = 300_000

let bundled: Promise<string> | undefined

/**
 * Waits until a Serin rests: no requests and hardly any processor time for a while, and whatever else is asked. Resolves
 * with when its last request came, as `performance.now` has it.
 */
export async function untilAtRest(serin: SerinChild, world: World, isDone: () => boolean): Promise<number> {
  const startMs = performance.now()
  let lastMs = startMs
  let requests = -1
  let cpuMs = 0
  while (performance.now() - startMs < PATIENCE_MS) {
    const now = world.apiRequests() + world.gitRequests()
    if (now !== requests) {
      lastMs = performance.now()
      cpuMs = await serin.cpuMs()
      requests = now
    } else if (performance.now() - lastMs > QUIET_MS) {
      const before = cpuMs
      cpuMs = await serin.cpuMs()
      if (cpuMs - before < IDLE_CPU_MS && isDone()) return lastMs
      // On a busy machine a process may be silent because it waits for a processor.
      await sleep(QUIET_MS)
    }
    await sleep(20)
  }
  throw new Error('the fleet does not come to rest')
}

/** Bundles Serin ahead of the first start, so that no measurement pays for it. */
export function prepareSerin(): Promise<string> {
  bundled ??= bundle()
  return bundled
}

/** Starts one in a world; resolves when it has read both branches and applied the manifests. */
export async function startSerinChild(world: World): Promise<SerinChild> {
  const entry = await prepareSerin()
  const configPath = join(world.directory, 'serin.json')
  await writeFile(configPath, JSON.stringify(configOf(world)))
  const child = fork(entry, [configPath, world.kubeconfigPath], { execArgv: ['--expose-gc'], stdio: 'inherit' })
  const ask = async (order: string): Promise<Answer> => {
    const answer = answerTo(child, order)
    child.send(order)
    return answer
  }
  const { url } = await answerTo(child, 'start')
  return {
    url,
    look: async () => void (await ask('look')),
    cpuMs: async () => (await ask('cpu')).cpuMs,
    memory: () => ask('memory'),
    stop: async () => {
      const exited = new Promise((resolve) => child.once('exit', resolve))
      await ask('stop')
      await exited
    },
  }
}

function answerTo(child: ChildProcess, order: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`Serin ended with ${code} while asked to ${order}`))
    const onMessage = (message: unknown): void => {
      const answer = Answer.parse(message)
      if (answer.to !== order) return
      child.off('exit', onExit)
      child.off('message', onMessage)
      resolve(answer)
    }
    child.on('exit', onExit)
    child.on('message', onMessage)
  })
}

function configOf(world: World): object {
  return {
    // Once a year: what a look costs is measured when nothing else looks.
    repository: { url: world.repositoryUrl, poll: '0 0 1 1 *' },
    forge: { kind: 'none' },
    metricsServer: 'http://127.0.0.1:9',
    dataDirectory: join(world.directory, 'serin'),
    server: { host: '127.0.0.1', port: 0 },
  }
}

/** Once for all Serins of a run, outside of what is measured. */
async function bundle(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'serin-bench-bundle-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const build = fileURLToPath(new URL('../scripts/build.mjs', import.meta.url))
  const entry = fileURLToPath(new URL('serin-child.ts', import.meta.url))
  await promisify(execFile)(process.execPath, [build, 'serin-child', entry, directory])
  return join(directory, 'serin-child.mjs')
}
