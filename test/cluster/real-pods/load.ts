import { Pool } from 'undici'

/** One request of a client. */
export interface Answered {
  readonly startMs: number
  readonly durationMs: number
  /** 0 when no answer came. */
  readonly status: number
  /** As the pod says; empty when the answer is not a pod's. */
  readonly version: string
  readonly pod: string
}

export interface Load {
  readonly answers: readonly Answered[]
  /** Waits for the last answers. */
  stop(): Promise<void>
}

const TICK_MS = 10

/** Sends requests at a steady pace, whatever the answers, and keeps what came back. */
export function startLoad(url: string, perSecond: number): Load {
  const pool = new Pool(url, { connections: 64, headersTimeout: 10_000, bodyTimeout: 10_000 })
  const answers: Answered[] = []
  const underway = new Set<Promise<void>>()
  const startMs = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    // A machine that was busy for a while catches up, but not in one burst.
    const due = Math.floor(((performance.now() - startMs) / 1000) * perSecond)
    if (due - sent > perSecond / 10) sent = due - Math.ceil(perSecond / 10)
    for (; sent < due; sent++) {
      const one = ask(pool).then((answer) => void answers.push(answer))
      underway.add(one)
      void one.finally(() => underway.delete(one))
    }
  }, TICK_MS)
  return {
    answers,
    async stop() {
      clearInterval(timer)
      await Promise.all(underway)
      await pool.close()
    },
  }
}

async function ask(pool: Pool): Promise<Answered> {
  const startMs = Date.now()
  const before = performance.now()
  const took = (): number => performance.now() - before
  try {
    const { statusCode, headers, body } = await pool.request({ path: '/', method: 'GET' })
    await body.dump()
    const text = (name: string): string => String(headers[name] ?? '')
    return { startMs, durationMs: took(), status: statusCode, version: text('x-version'), pod: text('x-pod') }
  } catch {
    return { startMs, durationMs: took(), status: 0, version: '', pod: '' }
  }
}
