import type { LabelMatcher, Observer, QuerySubject, Series } from '../../src/metrics/observers/observer.ts'
import { observedProviders, observersOf } from '../../src/metrics/observers/registry.ts'
import { PROVIDERS } from '../../src/resources/fields.ts'

/** The page about the checks of an analysis, with what the built-in ones ask for, as Markdown. */
export function metricsReference(): string {
  const rows = observedProviders().flatMap((family) =>
    observersOf(family).map((observer) => [namesOf(family), ...cellsOf(observer)]),
  )
  const table = [
    ['provider', 'who counts', 'requests', 'durations', "labels of the canary's"],
    Array(5).fill('---'),
    ...rows,
  ]
  return `${HEAD}\n${table.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n${remarks()}\n${TAIL}`
}

/** What stands in for a canary's own names. */
const subject: QuerySubject = {
  namespace: 'NAMESPACE',
  kind: 'Deployment',
  target: 'TARGET',
  service: 'SERVICE',
  ingress: 'INGRESS',
  route: 'ROUTE',
  revision: 'REVISION',
}

function namesOf(family: string): string {
  const names = PROVIDERS.filter((name) => name === family || name.startsWith(`${family}:`))
  return names.map(code).join(', ')
}

function cellsOf(observer: Observer): readonly string[] {
  const { requests, success, duration, canary, counter } = observer
  const labels = canary(subject)
  if (typeof labels === 'string') throw new Error(`${counter}: ${labels}`)
  const durations = duration.kind === 'p99' ? [duration.buckets] : [duration.sum, duration.count]
  const what = `${duration.unit}, ${duration.kind === 'p99' ? '99th percentile' : 'mean'}`
  return [
    counter,
    `${nameOf(requests)}; good: ${code(matcher(success))}`,
    `${durations.map(nameOf).join(' / ')}; ${what}`,
    labels.map((label) => code(matcher(label))).join('<br>'),
  ]
}

function nameOf({ name, only }: Series): string {
  return code(only.length === 0 ? name : `${name}{${only.map(matcher).join(',')}}`)
}

function matcher({ label, operator, value }: LabelMatcher): string {
  return `${label}${operator}"${value}"`
}

function remarks(): string {
  const all = new Set(observedProviders().flatMap(observersOf))
  return [...all].flatMap(({ counter, remark }) => (remark === undefined ? [] : [`- ${counter}: ${remark}`])).join('\n')
}

function code(text: string): string {
  return `\`${text}\``
}

const HEAD = `<!-- Generated from src/metrics by npm run generate. -->

# Checks of an analysis

Each interval of an analysis asks all metrics of the Canary and holds each answer against its bounds.

\`\`\`yaml
analysis:
  metrics:
    - name: request-success-rate
      interval: 1m
      thresholdRange:
        min: 99
    - name: request-duration
      interval: 30s
      thresholdRange:
        max: 500
\`\`\`

\`interval\` is the window of the query, \`1m\` when absent. Bounds are inclusive. A check fails when the value is outside its
bounds, when there is **no value** (no series, or nothing divided by nothing: the canary got no requests), and when the
question failed; the halting sentence says which, and shows a query that was refused. An analysis of failures only is a
success rate of 0 %, not a missing value. A query must give one number: several series are an error. A duration is
compared in whole milliseconds, as in Flagger.

The window looks back from the moment of the check, as in Flagger: right after a step it still holds requests at the
weight before, and when an analysis starts anew within it, those of the revision before.

## Built-in checks

\`request-success-rate\` is the percentage of requests that did not fail, \`request-duration\` the 99th percentile of their
duration in milliseconds. They ask the Prometheus of \`metricsServer\` (of the Canary, else of the configuration) for these
series. \`SERVICE\` is \`service.name\`, or the target's name; \`INGRESS\` and \`ROUTE\` are what \`ingressRef\` and \`routeRef\`
name, or the target's name.
`

const TAIL = `
For nginx and skipper the duration is the mean, as in Flagger, because canaries have bounds that were chosen for it.
With the Gateway API the first of the counters that has a value answers. Gateways that count a rule's backends together, as
Envoy Gateway does, cannot tell the canary from its primary: there the pods have to count, or a MetricTemplate asks
something else. Where \`kubernetes_pod_name\` is asked for, the second condition leaves out the primary's pods.

A target of kind Service is no workload. Providers that count by Service are asked as always; Istio and Linkerd are asked
by the Service's name; \`kubernetes\`, \`appmesh\` and \`osm\` need a MetricTemplate.

## Queries of your own

A \`MetricTemplate\` holds a query and the server to ask. In the query, \`{{ name }}\`, \`{{ namespace }}\`, \`{{ target }}\`,
\`{{ service }}\`, \`{{ ingress }}\`, \`{{ route }}\`, \`{{ interval }}\` and \`{{ variables.x }}\` (of the metric's \`templateVariables\`)
are filled in. The server's credentials are a Secret in the template's namespace: \`token\`, or \`username\` and \`password\`.

\`\`\`yaml
apiVersion: flagger.app/v1beta1
kind: MetricTemplate
metadata:
  name: not-found
  namespace: test
spec:
  provider:
    type: prometheus
    address: http://prometheus.monitoring:9090
    secretRef:
      name: prometheus
  query: |
    100 * sum(rate(http_requests_total{namespace="{{ namespace }}", app="{{ target }}", status="404"}[{{ interval }}]))
    / sum(rate(http_requests_total{namespace="{{ namespace }}", app="{{ target }}"}[{{ interval }}]))
\`\`\`
`
