import { Problem } from '../lib/problem.ts'
import type { MetricTemplate } from '../resources/metric-template.ts'
import type { MetricCredentials, MetricRequest } from './port.ts'
import { renderTemplate, type TemplateContext } from './template.ts'

/**
 * The request that a MetricTemplate describes. `secret` holds the decoded data of its `secretRef`, undefined when it
 * names none. Throws a Problem (`stalled`): `METRICS_PROVIDER_UNAVAILABLE` for a kind of server that is not built
 * yet, `METRICS_ADDRESS_MISSING`, `METRICS_SECRET_INVALID`, `METRICS_TEMPLATE_INVALID`.
 */
export function templateRequest(
  template: MetricTemplate,
  context: TemplateContext,
  secret: Readonly<Record<string, string>> | undefined,
): MetricRequest {
  const { provider, query } = template.spec
  const place = `MetricTemplate/${template.metadata.name}.${template.metadata.namespace}`
  if (provider.type !== 'prometheus') {
    throw new Problem({
      kind: 'stalled',
      code: 'METRICS_PROVIDER_UNAVAILABLE',
      message: `metrics provider "${provider.type}" is not built yet`,
      place: `${place} spec.provider.type`,
      hint: 'these work: prometheus',
    })
  }
  if (provider.address === undefined || provider.address === '') {
    throw new Problem({
      kind: 'stalled',
      code: 'METRICS_ADDRESS_MISSING',
      message: 'the Prometheus provider needs an address',
      place: `${place} spec.provider.address`,
      hint: 'for example "http://prometheus.monitoring:9090"',
    })
  }
  return {
    address: provider.address,
    promql: renderTemplate(query, context, `${place} spec.query`),
    headers: provider.headers,
    credentials: secret === undefined ? undefined : credentialsOf(secret, place),
    insecureSkipVerify: provider.insecureSkipVerify,
  }
}

/** From the keys `token`, or `username` and `password`. A line break at the end of a value is a slip of `echo`. */
function credentialsOf(secret: Readonly<Record<string, string>>, place: string): MetricCredentials {
  const token = secret['token']?.trimEnd()
  if (token !== undefined && token !== '') return { kind: 'token', token }
  const username = secret['username']?.trimEnd()
  const password = secret['password']?.trimEnd()
  if (username !== undefined && username !== '' && password !== undefined) return { kind: 'basic', username, password }
  throw new Problem({
    kind: 'stalled',
    code: 'METRICS_SECRET_INVALID',
    message: 'the Secret has neither "token" nor "username" and "password"',
    place: `${place} spec.provider.secretRef`,
  })
}
