import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'

/** One answer that a client got. Times are milliseconds since the epoch. */
export interface Answer {
  readonly startMs: number
  readonly endMs: number
  /** 0 when none came. */
  readonly status: number
  /** Which side of the split says that it answered; `nobody` when the answer is the proxy's own. */
  readonly by: 'primary' | 'canary' | 'nobody'
  /** The tag of the image of the pod that answered; empty when none did. */
  readonly version: string
}

export interface Load {
  readonly answers: readonly Answer[]
  /** Waits for the last answers. */
  stop(): Promise<void>
}

export interface LoadOptions {
  readonly url: string
  /** How many clients there are; each has one request under way at most. */
  readonly clients: number
  /** How many requests all of them make in a second, if answers are quick enough. */
  readonly perSecond: number
  /** The load ends by itself after so many requests. */
  readonly limit: number
}

/** Clients that ask again and again, at a steady pace, until they are stopped or the limit is reached. */
export function startLoad({ url, clients, perSecond, limit }: LoadOptions): Load {
  const pool = new Pool(url, { connections: clients, headersTimeout: 10_000, bodyTimeout: 10_000 })
  const answers: Answer[] = []
  const paceMs = (1000 * clients) / perSecond
  let isStopped = false
  let sent = 0
  const client = async (firstMs: number): Promise<void> => {
    await sleep(firstMs)
    // Due times, not pauses: so a client that a busy machine held up for a moment keeps its pace, without a burst.
    let dueMs = performance.now()
    while (!isStopped && sent < limit) {
      sent += 1
      answers.push(await ask(pool))
      dueMs = Math.max(dueMs + paceMs, performance.now() - paceMs)
      await sleep(Math.max(0, dueMs - performance.now()))
    }
  }
  const all = Promise.all(Array.from({ length: clients }, (_, index) => client((index * paceMs) / clients)))
  return {
    answers,
    async stop() {
      isStopped = true
      await all
      await pool.close()
    },
  }
}

async function ask(pool: Pool): Promise<Answer> {
  const startMs = Date.now()
  try {
    const { statusCode, headers, body } = await pool.request({ path: '/', method: 'GET' })
    await body.dump()
    const by = headers['x-side'] === 'primary' || headers['x-side'] === 'canary' ? headers['x-side'] : 'nobody'
    return { startMs, endMs: Date.now(), status: statusCode, by, version: String(headers['x-version'] ?? '') }
  } catch {
    return { startMs, endMs: Date.now(), status: 0, by: 'nobody', version: '' }
  }
}
