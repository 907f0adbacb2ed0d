import type { ApiRequest, ApiResponse, KubeTransport, WatchAnswer, WatchLine } from '../../../src/cluster/transport.ts'
import type { Clock } from '../../../src/lib/clock.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { Problem } from '../../../src/lib/problem.ts'

/** A transport that can be disturbed on its way to a server, and notes what goes over it. */
export interface Wire {
  readonly transport: KubeTransport
  /** `METHOD path` of each request, `WATCH path` of each watch that reached the server. */
  readonly requests: readonly string[]
  /** Breaks all open watches, as a load balancer does. */
  cut(): void
  /** Answers requests or watches that fit instead of the server, as often as given. */
  answer(times: number, fits: (request: ApiRequest, isWatch: boolean) => boolean, response: ApiResponse): void
  /** Lets the next watch ask from this version. */
  ageNextWatch(version: string): void
  /** Holds back what watches tell from now on, until the returned function is called. */
  hold(): () => void
}

interface Fault {
  left: number
  readonly fits: (request: ApiRequest, isWatch: boolean) => boolean
  readonly response: ApiResponse
}

export function wire(inner: KubeTransport): Wire {
  const requests: string[] = []
  const faults: Fault[] = []
  const open = new Set<AbortController>()
  let age: string | undefined
  let gate: Promise<void> | undefined
  const fault = (request: ApiRequest, isWatch: boolean): ApiResponse | undefined => {
    const found = faults.find((one) => one.left > 0 && one.fits(request, isWatch))
    if (found === undefined) return undefined
    found.left -= 1
    return found.response
  }
  async function* lines(from: AsyncIterable<WatchLine>): AsyncGenerator<WatchLine> {
    for await (const line of from) {
      await gate
      yield line
    }
  }
  const watch = async (request: ApiRequest): Promise<WatchAnswer> => {
    const refused = fault(request, true)
    if (refused !== undefined) return { kind: 'refused', response: refused }
    const version = age
    age = undefined
    const path =
      version === undefined ? request.path : request.path.replace(/resourceVersion=\d+/, `resourceVersion=${version}`)
    requests.push(`WATCH ${path}`)
    const cutting = new AbortController()
    open.add(cutting)
    const signal = request.signal === undefined ? cutting.signal : AbortSignal.any([request.signal, cutting.signal])
    const answer = await inner.watch({ ...request, path, signal })
    return answer.kind === 'stream' ? { kind: 'stream', lines: lines(answer.lines) } : answer
  }
  return {
    requests,
    cut: () => {
      const reason = new Problem({ kind: 'retry', code: 'CLUSTER_UNREACHABLE', message: 'the connection was cut' })
      for (const one of open) one.abort(reason)
      open.clear()
    },
    answer: (times, fits, response) => void faults.push({ left: times, fits, response }),
    ageNextWatch: (version) => {
      age = version
    },
    hold: () => {
      let release = (): void => {}
      gate = new Promise((resolve) => {
        release = () => {
          gate = undefined
          resolve()
        }
      })
      return release
    },
    transport: {
      send: async (request) => {
        const made = fault(request, false)
        if (made !== undefined) return made
        requests.push(`${request.method} ${request.path}`)
        return inner.send(request)
      },
      watch,
    },
  }
}

/** The machine's clock, but for sleeps: they last no longer than 10 ms, and are noted with what was asked for. */
export function hastyClock(): { readonly clock: Clock; readonly slept: readonly number[] } {
  const slept: number[] = []
  const sleep: Clock['sleep'] = (ms, signal) => {
    slept.push(ms)
    return systemClock.sleep(Math.min(ms, 10), signal)
  }
  return { clock: { ...systemClock, sleep }, slept }
}
