import type { Cluster } from '../cluster/cluster.ts'
import { isObject, stringAt } from '../lib/json.ts'
import type { MetricTemplate } from '../resources/metric-template.ts'
import { parseMetricTemplate, placeInCluster } from '../resources/parse.ts'

/** A MetricTemplate that is only in the cluster; undefined when there is none. Rejects with what is wrong with it. */
export async function metricTemplate(
  cluster: Cluster,
  namespace: string,
  name: string,
): Promise<MetricTemplate | undefined> {
  const object = await cluster.client.get({
    apiVersion: 'flagger.app/v1beta1',
    kind: 'MetricTemplate',
    namespace,
    name,
  })
  if (object === undefined) return undefined
  const { metricTemplate: template, problems } = parseMetricTemplate(object, placeInCluster(object), 'pruning')
  if (template === undefined && problems[0] !== undefined) throw problems[0]
  return template
}

/** A Secret's data, decoded, for the one request that needs it; undefined when there is none. */
export async function secretData(
  cluster: Cluster,
  namespace: string,
  name: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  const secret = await cluster.client.get({ apiVersion: 'v1', kind: 'Secret', namespace, name })
  if (secret === undefined) return undefined
  const keys = isObject(secret['data']) ? Object.keys(secret['data']) : []
  const decoded = (key: string): string => Buffer.from(stringAt(secret, 'data', key) ?? '', 'base64').toString('utf8')
  return Object.fromEntries(keys.map((key) => [key, decoded(key)]))
}
