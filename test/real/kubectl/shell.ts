import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What a program said. */
export interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A person's shell before a cluster, with a namespace that kubectl takes for its own. */
export interface Shell {
  /** Runs kubectl to its end; `input` is what `-f -` reads. A refusal is an answer too. */
  ask(words: readonly string[], input?: string): Promise<Answer>
  /** The same, where anything but success is a failure of the test; gives what it printed. */
  kubectl(words: readonly string[], input?: string): Promise<string>
  /** Runs lines as they are typed into bash, ended after `limitMs`. */
  bash(lines: string, limitMs: number): Promise<Answer>
  /** Asks again and again until something holds, for a minute at most. */
  until(what: string, holds: () => Promise<boolean>): Promise<void>
  close(): Promise<void>
}

export interface ShellOptions {
  readonly kubeconfigPath: string
  /** The current one when absent. */
  readonly context?: string | undefined
  /** It need not be there yet. */
  readonly namespace: string
}

const PATIENCE_MS = 60_000
const LOOK_EVERY_MS = 100
const LIMIT_MS = 120_000

/** Opens a shell. What kubectl remembers of servers is in a home of its own, and the kubeconfig is a copy. */
export async function openShell({ kubeconfigPath, context, namespace }: ShellOptions): Promise<Shell> {
  const home = await mkdtemp(join(tmpdir(), 'serin-kubectl-'))
  const copy = join(home, 'kubeconfig')
  await writeFile(copy, await readFile(kubeconfigPath), { mode: 0o600 })
  const env = { ...process.env, HOME: home, KUBECONFIG: copy }
  const ask: Shell['ask'] = (words, input) => run('kubectl', words, { env, limitMs: LIMIT_MS }, input)
  const kubectl: Shell['kubectl'] = async (words, input) => {
    const { code, stdout, stderr } = await ask(words, input)
    if (code !== 0) throw new Error(`kubectl ${words.join(' ')}: ${code}\n${stderr}${stdout}`)
    return stdout
  }
  if (context !== undefined) await kubectl(['config', 'use-context', context])
  await kubectl(['config', 'set-context', '--current', `--namespace=${namespace}`])
  return {
    ask,
    kubectl,
    bash: (lines, limitMs) => run('bash', ['-c', lines], { env, limitMs }),
    until,
    close: () => rm(home, { recursive: true, force: true }),
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + PATIENCE_MS
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`waited ${PATIENCE_MS} ms in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

interface RunOptions {
  readonly env: NodeJS.ProcessEnv
  readonly limitMs: number
}

/** Its children end with it: they are a process group of their own. */
function run(program: string, words: readonly string[], options: RunOptions, input?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...words], { env: options.env, detached: true })
    const said = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text))
    const limit = setTimeout(() => {
      said.stderr += `ended after ${options.limitMs} ms\n`
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    }, options.limitMs)
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(limit)
      resolve({ code: code ?? -1, ...said })
    })
    child.stdin.on('error', () => undefined)
    child.stdin.end(input ?? '')
  })
}
