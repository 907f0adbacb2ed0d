import { durationMs } from '../resources/duration.ts'
import type { ConfigFile } from './schema.ts'

/** The settings with every default filled in. Secrets are behind `src/config/secrets.ts`. */
export interface Config extends Omit<ConfigFile, 'ledger' | 'forge'> {
  readonly ledger: { readonly branch: string; readonly pushIntervalMs: number }
  readonly forge: {
    readonly kind: 'github' | 'none'
    readonly apiUrl: string
    /** `owner/name`; empty for the kind `none`. */
    readonly repository: string
    readonly token?: string | undefined
    readonly tokenFile?: string | undefined
  }
  /** `minimumInterval` in milliseconds. */
  readonly minimumIntervalMs: number
}

/** Fills in what follows from other settings. */
export function withDerived(file: ConfigFile): Config {
  const url = new URL(file.repository.url)
  const path = url.pathname.replace(/^\/+|\/+$|\.git\/*$/g, '')
  const isOnGithub = url.hostname === 'github.com'
  return {
    ...file,
    ledger: { ...file.ledger, branch: file.ledger.branch ?? `serin/${file.cluster.name}` },
    forge: {
      ...file.forge,
      kind: file.forge.kind ?? (isOnGithub ? 'github' : 'none'),
      repository: file.forge.repository ?? (/^[^/]+\/[^/]+$/.test(path) ? path : ''),
    },
    minimumIntervalMs: durationMs(file.minimumInterval) ?? 10_000,
  }
}
