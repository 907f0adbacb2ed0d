import type { Clock } from '../../lib/clock.ts'
import { readAnswer } from '../../metrics/prometheus-answer.ts'
import type { MetricsPort } from '../../metrics/port.ts'
import type { PlaygroundPrometheus } from './prometheus.ts'

/** A metrics port that asks the playground's Prometheus at the clock's present, without a socket, whatever the address. */
export function inProcessMetrics(prometheus: PlaygroundPrometheus, clock: Clock): MetricsPort {
  return {
    query: ({ promql }, signal) => {
      signal.throwIfAborted()
      const { body } = prometheus.query(promql.trim(), clock.now())
      const answer = readAnswer(body, promql.trim())
      return Promise.resolve(answer ?? { kind: 'error', message: 'the playground gave no Prometheus answer' })
    },
  }
}
