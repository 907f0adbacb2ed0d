import { at, numberAt, stringAt } from '../../../lib/json.ts'
import type { Json, JsonObject } from '../../../lib/json.ts'
import { required, wrong } from '../api/causes.ts'
import type { Cause } from '../api/failure.ts'
import { isSubdomain, subdomainRule } from '../api/names.ts'
import { isList } from '../document.ts'
import {
  anything,
  integer,
  list,
  microTime,
  optionalInteger,
  optionalText,
  part,
  record,
  text,
} from '../schema/schema.ts'
import { topLevel } from './core.ts'
import { builtIn } from './kind.ts'
import type { Kind } from './kind.ts'

function pathCauses(path: Json, field: string): readonly Cause[] {
  const value = stringAt(path, 'path')
  const backend = at(path, 'backend')
  return [
    ...(stringAt(path, 'pathType') === undefined ? [required(`${field}.pathType`, 'pathType must be specified')] : []),
    ...(value !== undefined && !value.startsWith('/')
      ? [wrong(`${field}.path`, value, 'must be an absolute path')]
      : []),
    ...(at(backend, 'service') === undefined && at(backend, 'resource') === undefined
      ? [wrong(`${field}.backend`, '', 'resource or service backend is required')]
      : []),
  ]
}

function ingressCauses(object: JsonObject): readonly Cause[] {
  const rules = at(object, 'spec', 'rules')
  if (!isList(rules) && at(object, 'spec', 'defaultBackend') === undefined) {
    return [wrong('spec', undefined, 'either `defaultBackend` or `rules` must be specified')]
  }
  return (isList(rules) ? rules : []).flatMap((rule, index) => {
    const host = stringAt(rule, 'host')
    const paths = at(rule, 'http', 'paths')
    const plain = host?.startsWith('*.') === true ? host.slice(2) : host
    return [
      ...(plain !== undefined && !isSubdomain(plain) ? [wrong(`spec.rules[${index}].host`, host, subdomainRule)] : []),
      ...(isList(paths) ? paths : []).flatMap((path, number) =>
        pathCauses(path, `spec.rules[${index}].http.paths[${number}]`),
      ),
    ]
  })
}

const backend = record({
  service: record({ name: text, port: part({ name: text, number: integer }) }),
  resource: anything,
})
const rule = record({
  host: text,
  http: record({ paths: list(record({ path: text, pathType: optionalText, backend: { ...backend, blank: {} } })) }),
})

/** Ingress of networking.k8s.io/v1. */
export const ingressKind: Kind = builtIn({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  shortNames: ['ing'],
  hasStatus: true,
  hasGeneration: true,
  schema: topLevel({
    spec: part({
      ingressClassName: optionalText,
      defaultBackend: backend,
      tls: list(record({ hosts: list(text), secretName: text })),
      rules: list(rule),
    }),
    status: part({ loadBalancer: part({ ingress: list(anything) }) }),
  }),
  validate: ingressCauses,
})

/** Lease of coordination.k8s.io/v1. */
export const leaseKind: Kind = builtIn({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  schema: topLevel({
    spec: part({
      holderIdentity: optionalText,
      leaseDurationSeconds: optionalInteger,
      acquireTime: { ...microTime, pointer: true },
      renewTime: { ...microTime, pointer: true },
      leaseTransitions: optionalInteger,
      strategy: optionalText,
      preferredHolder: optionalText,
    }),
  }),
  validate: (object) => {
    const duration = numberAt(object, 'spec', 'leaseDurationSeconds')
    return duration !== undefined && duration <= 0
      ? [wrong('spec.leaseDurationSeconds', duration, 'must be greater than 0')]
      : []
  },
})
