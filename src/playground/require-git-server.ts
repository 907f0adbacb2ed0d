import { execFile } from 'node:child_process'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Problem } from '../lib/problem.ts'

/** Rejects with a Problem when Git, or the part of it that serves repositories over HTTP, is not installed. */
export async function requireGitServer(): Promise<void> {
  const folder = await promisify(execFile)('git', ['--exec-path']).catch((error: unknown) => {
    throw missing('git is not installed, or is not on PATH', error)
  })
  await access(join(folder.stdout.trim(), 'git-http-backend')).catch((error: unknown) => {
    throw missing('this git comes without git-http-backend', error)
  })
}

function missing(message: string, cause: unknown): Problem {
  const hint = 'install git; on Alpine, git-daemon too'
  return new Problem({ kind: 'stalled', code: 'GIT_MISSING', message, hint, cause })
}
