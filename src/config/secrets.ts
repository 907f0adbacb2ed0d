import { readFile } from 'node:fs/promises'
import { Problem } from '../lib/problem.ts'
import type { Config } from './config.ts'

/** The user and password for the repository, read anew so that a rotated token is used at once; undefined when none is set. */
export async function repositoryCredentials(
  config: Config,
): Promise<{ readonly username: string; readonly password: string } | undefined> {
  const { username, password, passwordFile, token, tokenFile } = config.repository
  const secret =
    (await secretFrom('repository.token', token, tokenFile)) ??
    (await secretFrom('repository.password', password, passwordFile))
  return secret === undefined ? undefined : { username: username ?? 'x-access-token', password: secret }
}

/** The token for the forge's API: its own, else the one of the repository; undefined when there is none. */
export async function forgeToken(config: Config): Promise<string | undefined> {
  const own = await secretFrom('forge.token', config.forge.token, config.forge.tokenFile)
  return own ?? secretFrom('repository.token', config.repository.token, config.repository.tokenFile)
}

/** The secret that push webhooks are signed with; undefined when they are not to be trusted. */
export function webhookSecret(config: Config): Promise<string | undefined> {
  return secretFrom('server.webhookSecret', config.server.webhookSecret, config.server.webhookSecretFile)
}

async function secretFrom(
  key: string,
  value: string | undefined,
  file: string | undefined,
): Promise<string | undefined> {
  if (value !== undefined || file === undefined) return value
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw unusable(key, file, 'can not be read', cause)
  })
  const secret = text.trim()
  if (secret === '') throw unusable(key, file, 'is empty')
  return secret
}

function unusable(key: string, file: string, what: string, cause?: unknown): Problem {
  const message = `${key}File: "${file}" ${what}`
  return new Problem({ kind: 'stalled', code: 'CONFIG_SECRET_UNUSABLE', message, cause })
}
