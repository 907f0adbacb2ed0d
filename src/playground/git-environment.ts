import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The environment for the `git` binary: nothing of the user's configuration, no prompts, plain English messages. */
export const gitEnvironment: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '/usr/bin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C.UTF-8',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
}

/** Runs `git` and resolves to what it prints. Rejects when it fails. */
export async function runGit(args: readonly string[], input?: string): Promise<string> {
  const child = run('git', [...args], { env: gitEnvironment, maxBuffer: 256 * 1024 * 1024 })
  if (input !== undefined) child.child.stdin?.end(input)
  return (await child).stdout
}
