import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One program of the control plane: it can be stopped, started again with the same flags, and held for a while. */
export interface Component {
  readonly name: string
  readonly logPath: string
  pid(): number | undefined
  start(): void
  /** Ends it; by default without waiting for open watches, as an API server would for a minute. */
  stop(signal?: NodeJS.Signals): Promise<void>
  /** Stands still, as a machine that swaps does, until `resume`. */
  pause(): void
  resume(): void
  /** The end of its log, for an error message. */
  lastWords(): string
}

/** Prepares a program of a folder; nothing runs yet. Its log goes to a file of the work folder. */
export function component(name: string, path: string, flags: readonly string[], workDirectory: string): Component {
  const logPath = join(workDirectory, `${name}.log`)
  let child: ChildProcess | undefined
  return {
    name,
    logPath,
    pid: () => child?.pid,
    start() {
      if (child !== undefined) throw new Error(`${name} runs already`)
      const log = openSync(logPath, 'a')
      const [command, args] = dyingWithParent(path, flags)
      const started = spawn(command, args, { stdio: ['ignore', log, log], cwd: workDirectory })
      closeSync(log)
      child = started
      started.once('exit', () => {
        if (child === started) child = undefined
      })
    },
    async stop(signal = 'SIGKILL') {
      const running = child
      if (running === undefined) return
      const ended = new Promise<void>((resolve) => running.once('exit', () => resolve()))
      running.kill('SIGCONT')
      running.kill(signal)
      await ended
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    lastWords: () => (existsSync(logPath) ? readFileSync(logPath, 'utf8').slice(-2000) : 'it wrote no log'),
  }
}

/** A test run that is killed must not leave servers behind: the kernel ends them with their parent, where it is asked to. */
function dyingWithParent(path: string, flags: readonly string[]): [string, readonly string[]] {
  return existsSync('/usr/bin/setpriv')
    ? ['/usr/bin/setpriv', ['--pdeathsig', 'SIGKILL', path, ...flags]]
    : [path, flags]
}
