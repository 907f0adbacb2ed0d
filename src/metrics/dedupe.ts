import { canonicalJson } from '../lib/json.ts'
import type { MetricAnswer } from '../rollout/check.ts'
import type { MetricRequest, MetricsPort } from './port.ts'

interface Flight {
  readonly answer: Promise<MetricAnswer>
  readonly abort: AbortController
  waiting: number
}

/**
 * A port that sends requests which are equal in every field once while they are under way, and gives all askers the same
 * answer. Nothing is kept after the answer. One asker that gives up takes nothing from the others; the request itself
 * is aborted when nobody waits any more.
 */
export function dedupe(port: MetricsPort): MetricsPort {
  const flights = new Map<string, Flight>()
  return {
    query: async (request, signal) => {
      signal.throwIfAborted()
      const key = canonicalJson(request)
      const flight = flights.get(key) ?? start(port, flights, key, request)
      return wait(flights, key, flight, signal)
    },
  }
}

function start(port: MetricsPort, flights: Map<string, Flight>, key: string, request: MetricRequest): Flight {
  const abort = new AbortController()
  const answer = port.query(request, abort.signal).finally(() => {
    if (flights.get(key) === flight) flights.delete(key)
  })
  const flight: Flight = { answer, abort, waiting: 0 }
  flights.set(key, flight)
  return flight
}

function wait(flights: Map<string, Flight>, key: string, flight: Flight, signal: AbortSignal): Promise<MetricAnswer> {
  flight.waiting++
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      flight.waiting--
      reject(reasonOf(signal))
      if (flight.waiting > 0) return
      // Before aborting, so that the next asker starts a request of its own instead of joining a dead one.
      if (flights.get(key) === flight) flights.delete(key)
      flight.abort.abort(signal.reason)
    }
    signal.addEventListener('abort', leave, { once: true })
    flight.answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason
  return reason instanceof Error ? reason : new Error('aborted')
}
