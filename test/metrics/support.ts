import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { Canary, type CanaryMetric } from '../../src/resources/canary.ts'
import { checksOf, type CheckQuestion } from '../../src/metrics/checks.ts'

/** A podinfo canary on Istio that is analysed by these metrics. */
export function canaryWith(metrics: readonly CanaryMetric[], target = { kind: 'Deployment', name: 'podinfo' }): Canary {
  return Canary.parse({
    apiVersion: 'flagger.app/v1beta1',
    kind: 'Canary',
    metadata: { name: target.name, namespace: 'test' },
    spec: {
      targetRef: { apiVersion: 'apps/v1', ...target },
      service: { port: 9898 },
      analysis: { interval: '1m', threshold: 5, stepWeight: 10, maxWeight: 50, metrics },
    },
  })
}

/** The only question of a metric. */
export function questionOf(metric: CanaryMetric, provider = 'istio'): CheckQuestion {
  const [question, ...others] = checksOf(canaryWith([metric]), provider)
  if (question === undefined || others.length > 0) throw new Error(`${others.length + 1} questions`)
  return question
}

/** An HTTP server on the loopback interface that ends with the test; the answer is its address. */
export async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  )
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
