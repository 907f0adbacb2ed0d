import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { World } from './world.ts'

/** `serin run` as a process of its own. */
export interface Child {
  /** What it has logged so far. */
  readonly output: () => string
  signal(name: 'SIGTERM' | 'SIGKILL' | 'SIGHUP'): void
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

/** Builds the command line unless it is newer than every source file: building takes longer than the tests. */
export async function buildIfOld(): Promise<void> {
  const built = await stat('dist/serin.mjs').catch(() => undefined)
  const names = await readdir('src', { recursive: true })
  const times = await Promise.all(names.map(async (name) => (await stat(join('src', name))).mtimeMs))
  if (built !== undefined && built.mtimeMs > Math.max(...times)) return
  await promisify(execFile)(process.execPath, ['scripts/build.mjs'])
}

/** Starts the built command line on the world's configuration. */
export function startChild(world: World): Child {
  const args = ['dist/serin.mjs', 'run', '--config', join(world.directory, 'serin.yaml')]
  const child: ChildProcess = spawn(process.execPath, [...args, '--kubeconfig', world.kubeconfigPath], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = new Promise<number | string>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })
  return { output: () => output, signal: (name) => void child.kill(name), ended }
}
