import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { FaultsWorld } from './faults-world.ts'

/** `serin run` as a process of its own. */
export interface ChildSerin {
  /** What it has logged so far, a line of JSON each. */
  output(): string
  /** Stands still, as on a machine that sleeps, until `resume`. */
  pause(): void
  resume(): void
  kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

export interface ChildOptions {
  /** Of its data directory. */
  readonly name: string
  /** How much its clock is ahead of everybody else's, in milliseconds. */
  readonly aheadMs?: number
}

/** Builds the command line unless it is newer than every source file. */
export async function buildIfOld(): Promise<void> {
  const built = await stat('dist/serin.mjs').catch(() => undefined)
  const names = await readdir('src', { recursive: true })
  const times = await Promise.all(names.map(async (name) => (await stat(join('src', name))).mtimeMs))
  if (built !== undefined && built.mtimeMs > Math.max(...times)) return
  await promisify(execFile)(process.execPath, ['scripts/build.mjs'])
}

/** Starts the built command line on a world's configuration, with a data directory of its own; it looks at Git each second. */
export async function startChild(world: FaultsWorld, { name, aheadMs = 0 }: ChildOptions): Promise<ChildSerin> {
  const clock = join(world.directory, `clock-${name}.mjs`)
  await writeFile(clock, wrongClock(aheadMs))
  const folder = ['--data-directory', join(world.directory, `data-${name}`), '--repository-poll', '* * * * * *']
  const access = ['--kubeconfig', world.kubeconfigPath]
  const run = ['dist/serin.mjs', 'run', '--config', join(world.directory, 'serin.yaml'), ...folder, ...access]
  const child: ChildProcess = spawn(process.execPath, ['--import', clock, ...run], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  return {
    output: () => output,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill: async (signal) => {
      child.kill('SIGCONT')
      child.kill(signal)
      await ended
    },
  }
}

/** A module that makes a whole process believe that it is another time, before anything else of it runs. */
function wrongClock(aheadMs: number): string {
  return `const RealDate = Date
globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(RealDate.now() + ${aheadMs})
    else super(...given)
  }
  static now() {
    return RealDate.now() + ${aheadMs}
  }
}
`
}
