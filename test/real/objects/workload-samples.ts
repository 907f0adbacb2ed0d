import { configKey } from '../../../src/cluster/workloads/configs.ts'
import { primaryAutoscaler } from '../../../src/cluster/workloads/autoscaler.ts'
import { primaryConfig } from '../../../src/cluster/workloads/configs.ts'
import { primaryDeployment } from '../../../src/cluster/workloads/deployment.ts'
import { kubeEvent } from '../../../src/cluster/workloads/events.ts'
import { defaultSelectorLabels } from '../../../src/cluster/workloads/selector.ts'
import { canaryServices } from '../../../src/cluster/workloads/services.ts'
import type { JsonObject } from '../../../src/lib/json.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import type { Canary } from '../../../src/resources/canary.ts'
import { sampleCanary } from './canary-samples.ts'

const containers: readonly JsonObject[] = [
  {
    name: 'app',
    image: 'example.com/podinfo:6.0.0',
    command: ['./podinfo', '--port=9898'],
    ports: [
      { name: 'http', containerPort: 9899, protocol: 'TCP' },
      { name: 'grpc', containerPort: 9999 },
      { containerPort: 53, protocol: 'UDP' },
    ],
    env: [
      { name: 'PLAIN', value: 'x' },
      { name: 'FROM_CONFIG', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color', optional: true } } },
      { name: 'FROM_SECRET', valueFrom: { secretKeyRef: { name: 'credentials', key: 'password' } } },
      { name: 'NODE', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'spec.nodeName' } } },
    ],
    envFrom: [{ prefix: 'A_', configMapRef: { name: 'settings' } }, { secretRef: { name: 'credentials' } }],
    resources: { requests: { cpu: '100m', memory: '64Mi' }, limits: { memory: '128Mi' } },
    readinessProbe: { httpGet: { path: '/readyz', port: 'http' }, periodSeconds: 3, timeoutSeconds: 2 },
    livenessProbe: { exec: { command: ['true'] } },
    volumeMounts: [{ name: 'settings', mountPath: '/settings', readOnly: true }],
    securityContext: { runAsNonRoot: true, runAsUser: 1000, capabilities: { drop: ['ALL'] } },
  },
]

const podSpec: JsonObject = {
  serviceAccountName: 'podinfo',
  terminationGracePeriodSeconds: 5,
  initContainers: [{ name: 'setup', image: 'example.com/setup:1', envFrom: [{ secretRef: { name: 'credentials' } }] }],
  containers,
  volumes: [
    { name: 'settings', configMap: { name: 'settings', items: [{ key: 'color', path: 'color' }], optional: true } },
    { name: 'credentials', secret: { secretName: 'credentials', defaultMode: 256 } },
    {
      name: 'all',
      projected: {
        sources: [{ configMap: { name: 'settings' } }, { secret: { name: 'credentials', optional: true } }],
      },
    },
    { name: 'scratch', emptyDir: { sizeLimit: '1Gi' } },
  ],
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: { app: 'podinfo' } }, topologyKey: 'kubernetes.io/hostname' },
      ],
      preferredDuringSchedulingIgnoredDuringExecution: [
        {
          weight: 50,
          podAffinityTerm: {
            labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['podinfo'] }] },
            topologyKey: 'topology.kubernetes.io/zone',
          },
        },
      ],
    },
  },
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: 'topology.kubernetes.io/zone',
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: { app: 'podinfo' } },
    },
  ],
}

/** A target with everything that is rewritten for its primary. */
export function richTarget(namespace: string): KubeObject {
  return target(namespace, podSpec, {
    replicas: 2,
    minReadySeconds: 1,
    progressDeadlineSeconds: 60,
    revisionHistoryLimit: 3,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
  })
}

/** A target with the least that a Deployment can have. */
export function plainTarget(namespace: string): KubeObject {
  return target(namespace, { containers: [{ name: 'app', image: 'example.com/podinfo:6.0.0' }] }, {})
}

function target(namespace: string, spec: JsonObject, more: JsonObject): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'podinfo',
      namespace,
      labels: { app: 'podinfo', team: 'shop' },
      annotations: { 'example.com/owner': 'shop' },
    },
    spec: {
      ...more,
      selector: { matchLabels: { app: 'podinfo' } },
      template: { metadata: { labels: { app: 'podinfo' }, annotations: { 'prometheus.io/scrape': 'true' } }, spec },
    },
  }
}

/** An autoscaler with a metric of each type and a behaviour. */
export function autoscaler(namespace: string, apiVersion: string): KubeObject {
  const metric = { name: 'requests', selector: { matchLabels: { app: 'podinfo' } } }
  const policies = [{ type: 'Pods', value: 2, periodSeconds: 15 }]
  return {
    apiVersion,
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'podinfo', namespace, labels: { team: 'shop' } },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'podinfo' },
      minReplicas: 2,
      maxReplicas: 4,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 99 } } },
        { type: 'Pods', pods: { metric, target: { type: 'AverageValue', averageValue: '100' } } },
        {
          type: 'Object',
          object: {
            describedObject: { apiVersion: 'v1', kind: 'Service', name: 'podinfo' },
            metric,
            target: { type: 'Value', value: '10k' },
          },
        },
        { type: 'External', external: { metric, target: { type: 'Value', value: '30' } } },
      ],
      behavior: {
        scaleDown: { stabilizationWindowSeconds: 300, selectPolicy: 'Min', policies },
        scaleUp: { stabilizationWindowSeconds: 0, policies },
      },
    },
  }
}

const scaled = {
  autoscalerRef: {
    kind: 'HorizontalPodAutoscaler',
    name: 'podinfo',
    primaryScalerReplicas: { minReplicas: 1, maxReplicas: 10 },
  },
}

/** What serves a target's revision, in every shape. */
export function primaries(namespace: string, hpaVersion: string): readonly KubeObject[] {
  const canary = sampleCanary(namespace)
  const withScaler = sampleCanary(namespace, {}, scaled)
  const selectorLabels = defaultSelectorLabels
  const copiedConfigs = new Set(configs(namespace).map((one) => configKey(refOf(one))))
  const rich = richTarget(namespace)
  const current = primaryDeployment(canary, rich, { selectorLabels })
  const scaler = autoscaler(namespace, hpaVersion)
  return [
    current,
    primaryDeployment(canary, plainTarget(namespace), { selectorLabels }),
    primaryDeployment(canary, rich, { selectorLabels, includeLabelPrefixes: ['*'], copiedConfigs }),
    primaryDeployment(withScaler, rich, { selectorLabels, current }),
    primaryAutoscaler(canary, scaler, { apiVersion: hpaVersion, includeLabelPrefixes: ['*'] }),
    primaryAutoscaler(withScaler, scaler, { apiVersion: hpaVersion }),
    ...configs(namespace).map((config) => primaryConfig(canary, config, ['*'])),
  ]
}

function refOf({ kind, metadata }: KubeObject): { kind: 'ConfigMap' | 'Secret'; name: string } {
  return { kind: kind === 'Secret' ? 'Secret' : 'ConfigMap', name: metadata.name }
}

function configs(namespace: string): readonly KubeObject[] {
  const metadata = { namespace, labels: { team: 'shop' } }
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...metadata, name: 'settings' },
      data: { color: 'blue' },
      binaryData: { logo: 'AAEC' },
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { ...metadata, name: 'credentials' },
      type: 'Opaque',
      data: { password: 'c2VjcmV0' },
    },
  ]
}

/** The Services of a canary, new ones and around an apex that was there before. */
export function services(canary: Canary): readonly KubeObject[] {
  const { namespace } = canary.metadata
  const build = (liveApex?: KubeObject): readonly KubeObject[] => {
    const options = { selectorLabels: defaultSelectorLabels, liveApex }
    return Object.values(canaryServices(canary, richTarget(namespace), options)) as KubeObject[]
  }
  const before: KubeObject = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'podinfo', namespace } }
  return [...build(), ...build(before)]
}

/** Events about a canary: an ordinary one, a warning, one whose text and name are too long. */
export function events(namespace: string): readonly KubeObject[] {
  const about = { apiVersion: 'flagger.app/v1beta1', kind: 'Canary', metadata: { name: 'podinfo', namespace } }
  const times = { firstMs: Date.UTC(2026, 0, 1), lastMs: Date.UTC(2026, 0, 1, 0, 1), count: 3 }
  const long = { ...about, metadata: { ...about.metadata, name: 'p'.repeat(253) } }
  return [
    kubeEvent({ about, type: 'Normal', message: 'Advance podinfo.test canary weight 20', ...times }),
    kubeEvent({
      about: { ...about, metadata: { ...about.metadata, uid: 'd9607e19-f88f-11e6-a518-42010a800195' } },
      type: 'Warning',
      message: 'Halt podinfo.test advancement success rate 49.80% < 99%',
      ...times,
    }),
    kubeEvent({ about: long, type: 'Warning', message: `ä${'…'.repeat(900)}`, ...times }),
  ]
}
