import { Canary } from '../../src/resources/canary.ts'

/** A podinfo canary with these fields in `spec.service`, and these in `spec`. Unknown to the schema or not, they stay. */
export function podinfo(service: object = {}, spec: object = {}): Canary {
  const base = Canary.parse({
    apiVersion: 'flagger.app/v1beta1',
    kind: 'Canary',
    metadata: { name: 'podinfo', namespace: 'test' },
    spec: {
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'podinfo' },
      service: { port: 9898 },
      analysis: { interval: '1m', threshold: 5, stepWeight: 10, maxWeight: 50 },
    },
  })
  return { ...base, spec: { ...base.spec, ...spec, service: { ...base.spec.service, ...service } } }
}
