import { durationMs } from '../../resources/duration.ts'

/** What goes wrong in a rehearsal. */
export interface Faults {
  /** Share of the new version's requests that fail, 0 to 1. */
  readonly errorRate: number
  /** Latency of the new version in milliseconds; undefined for the usual. */
  readonly latencyMs: number | undefined
  /** The new version's pods never get ready. */
  readonly neverReady: boolean
  /** How long Git is unreachable from one minute into the release on, in milliseconds. */
  readonly gitDownMs: number
  /** Share of the requests to the API server that are answered 500, 0 to 1. */
  readonly apiErrors: number
}

const none: Faults = { errorRate: 0, latencyMs: undefined, neverReady: false, gitDownMs: 0, apiErrors: 0 }

/** The faults that a command line names, or what is wrong with it. */
export function parseFaults(texts: readonly string[]): Faults | string {
  let faults = none
  for (const text of texts) {
    const [name = '', value = ''] = text.split('=', 2)
    const read = readFault(name, value)
    if (read === undefined)
      return `--fault ${text}: use error-rate=0.5, latency=2s, never-ready, git-down=2m or api-errors=0.2`
    faults = { ...faults, ...read }
  }
  return faults
}

function readFault(name: string, value: string): Partial<Faults> | undefined {
  const share = Number(value)
  const isShare = value !== '' && share >= 0 && share <= 1
  const ms = durationMs(value)
  switch (name) {
    case 'error-rate':
      return isShare ? { errorRate: share } : undefined
    case 'api-errors':
      return isShare && share < 1 ? { apiErrors: share } : undefined
    case 'latency':
      return ms === undefined ? undefined : { latencyMs: ms }
    case 'git-down':
      return ms === undefined ? undefined : { gitDownMs: ms }
    case 'never-ready':
      return value === '' ? { neverReady: true } : undefined
    default:
      return undefined
  }
}
