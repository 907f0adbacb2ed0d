import {
  anything,
  flag,
  integer,
  intOrText,
  keyed,
  list,
  microTime,
  optionalFlag,
  optionalInteger,
  optionalText,
  part,
  quantities,
  record,
  text,
  textMap,
  time,
} from '../schema/schema.ts'
import type { Schema } from '../schema/schema.ts'
import { objectMeta } from './metadata.ts'

const always = (schema: Schema): Schema => ({ ...schema, blank: '' })
const localReference = record({ name: text }, { atomic: true })
const keyReference = record({ name: text, key: always(text), optional: optionalFlag }, { atomic: true })

const env = record({
  name: always(text),
  value: text,
  valueFrom: record({
    fieldRef: record({ apiVersion: text, fieldPath: always(text) }, { atomic: true }),
    resourceFieldRef: record({ containerName: text, resource: text, divisor: anything }, { atomic: true }),
    configMapKeyRef: keyReference,
    secretKeyRef: keyReference,
  }),
})

const httpHeader = record({ name: always(text), value: always(text) })
const handler: Readonly<Record<string, Schema>> = {
  exec: record({ command: list(text) }),
  httpGet: record({ path: text, port: intOrText, host: text, scheme: text, httpHeaders: list(httpHeader) }),
  tcpSocket: record({ port: intOrText, host: text }),
  grpc: record({ port: integer, service: optionalText }),
  sleep: record({ seconds: integer }),
}

const probe = record({
  ...handler,
  initialDelaySeconds: integer,
  timeoutSeconds: integer,
  periodSeconds: integer,
  successThreshold: integer,
  failureThreshold: integer,
  terminationGracePeriodSeconds: optionalInteger,
})

const container = record({
  name: always(text),
  image: text,
  command: list(text),
  args: list(text),
  workingDir: text,
  ports: keyed(
    ['containerPort', 'protocol'],
    record({
      name: text,
      hostPort: integer,
      containerPort: { type: 'integer', blank: 0 },
      protocol: text,
      hostIP: text,
    }),
    { keyDefaults: { protocol: 'TCP' } },
  ),
  envFrom: list(
    record({
      prefix: text,
      configMapRef: record({ name: text, optional: optionalFlag }),
      secretRef: record({ name: text, optional: optionalFlag }),
    }),
  ),
  env: keyed(['name'], env),
  resources: part({
    limits: quantities,
    requests: quantities,
    claims: keyed(['name'], record({ name: text, request: text })),
  }),
  volumeMounts: keyed(
    ['mountPath'],
    record({
      name: always(text),
      readOnly: flag,
      recursiveReadOnly: optionalText,
      mountPath: always(text),
      subPath: text,
      mountPropagation: optionalText,
      subPathExpr: text,
    }),
  ),
  volumeDevices: keyed(['devicePath'], record({ name: text, devicePath: text })),
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
  lifecycle: record({ postStart: record(handler), preStop: record(handler), stopSignal: optionalText }),
  terminationMessagePath: text,
  terminationMessagePolicy: text,
  imagePullPolicy: text,
  securityContext: anything,
  stdin: flag,
  stdinOnce: flag,
  tty: flag,
  restartPolicy: optionalText,
  resizePolicy: list(anything),
})

const fileItems = list(record({ key: always(text), path: always(text), mode: optionalInteger }))
const volume = record({
  name: always(text),
  configMap: record({ name: text, items: fileItems, defaultMode: optionalInteger, optional: optionalFlag }),
  secret: record({ secretName: text, items: fileItems, defaultMode: optionalInteger, optional: optionalFlag }),
  emptyDir: record({ medium: text, sizeLimit: anything }),
  hostPath: record({ path: text, type: optionalText }),
  persistentVolumeClaim: record({ claimName: text, readOnly: flag }),
  projected: record({ sources: list(anything), defaultMode: optionalInteger }),
  downwardAPI: record({ items: list(anything), defaultMode: optionalInteger }),
  csi: anything,
  nfs: anything,
  ephemeral: anything,
  image: anything,
})

/** PodSpec. */
export const podSpec: Schema = part({
  volumes: keyed(['name'], volume),
  initContainers: keyed(['name'], container),
  containers: keyed(['name'], container, { blank: null }),
  ephemeralContainers: keyed(['name'], anything),
  restartPolicy: text,
  terminationGracePeriodSeconds: optionalInteger,
  activeDeadlineSeconds: optionalInteger,
  dnsPolicy: text,
  nodeSelector: { ...textMap, atomic: true },
  serviceAccountName: text,
  serviceAccount: text,
  automountServiceAccountToken: optionalFlag,
  nodeName: text,
  hostNetwork: flag,
  hostPID: flag,
  hostIPC: flag,
  hostUsers: optionalFlag,
  shareProcessNamespace: optionalFlag,
  securityContext: anything,
  imagePullSecrets: keyed(['name'], localReference),
  hostname: text,
  subdomain: text,
  affinity: anything,
  schedulerName: text,
  tolerations: list(anything),
  hostAliases: keyed(['ip'], record({ ip: text, hostnames: list(text) })),
  priorityClassName: text,
  priority: optionalInteger,
  dnsConfig: anything,
  readinessGates: list(record({ conditionType: text })),
  runtimeClassName: optionalText,
  enableServiceLinks: optionalFlag,
  preemptionPolicy: optionalText,
  overhead: quantities,
  topologySpreadConstraints: keyed(['topologyKey', 'whenUnsatisfiable'], anything),
  setHostnameAsFQDN: optionalFlag,
  os: record({ name: text }),
  schedulingGates: keyed(['name'], record({ name: text })),
  resourceClaims: keyed(['name'], anything),
})

/** PodTemplateSpec. */
export const podTemplate: Schema = part({ metadata: objectMeta, spec: podSpec })

const condition = record({
  type: text,
  status: text,
  observedGeneration: integer,
  lastProbeTime: time,
  lastTransitionTime: time,
  lastUpdateTime: time,
  reason: text,
  message: text,
})

/** Conditions, merged by type. */
export const conditions: Schema = keyed(['type'], condition)

/** PodStatus. */
export const podStatus: Schema = part({
  phase: text,
  conditions,
  message: text,
  reason: text,
  nominatedNodeName: text,
  hostIP: text,
  hostIPs: list(anything),
  podIP: text,
  podIPs: list(anything),
  startTime: time,
  initContainerStatuses: list(anything),
  containerStatuses: list(anything),
  qosClass: text,
  observedGeneration: integer,
})

/** LabelSelector: one owner for the whole. */
export const labelSelector: Schema = record(
  {
    matchLabels: textMap,
    matchExpressions: list(record({ key: always(text), operator: always(text), values: list(text) })),
  },
  { atomic: true },
)

/** Times of events, written as null when absent. */
export const eventTime: Schema = { ...microTime, blank: null }
