import { type Json, type JsonObject, at, isObject, numberAt, stringAt } from '../../lib/json.ts'
import type { KubeObject } from '../../lib/kube-object.ts'
import type { Canary } from '../../resources/canary.ts'
import { leaveAloneAnnotations } from '../../traffic/metadata.ts'
import { serviceNames } from '../../traffic/names.ts'
import { isOwnedBy } from './owner.ts'
import { primaryValue, selectorOf } from './selector.ts'

/** The three Services of a canary. */
export interface CanaryServices {
  /** What clients call; selects the primary's pods. */
  readonly apex: KubeObject
  readonly primary: KubeObject
  readonly canary: KubeObject
}

export interface ServicesOptions {
  /** See `defaultSelectorLabels`. */
  readonly selectorLabels: readonly string[]
  /** The Service with the apex's name as it is in the cluster. One that is not this canary's keeps its labels and annotations. */
  readonly liveApex?: KubeObject | undefined
}

/**
 * The Services `<apex>`, `<apex>-primary` and `<apex>-canary`, without owner references. Their type is never named: a new
 * one is a ClusterIP, and a LoadBalancer that is taken over stays one.
 */
export function canaryServices(canary: Canary, target: KubeObject, options: ServicesOptions): CanaryServices {
  const selector = selectorOf(target, options.selectorLabels)
  const { service } = canary.spec
  const names = serviceNames(canary)
  const ports = portsOf(canary, target)
  const build = (name: string, value: string, metadata: typeof service.apex, isAdopted: boolean): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace: canary.metadata.namespace,
      ...(isAdopted
        ? {}
        : {
            labels: without({ ...metadata?.labels, [selector.label]: name }, service.unmanagedMetadata?.labels),
            annotations: without(
              { ...metadata?.annotations, ...leaveAloneAnnotations },
              service.unmanagedMetadata?.annotations,
            ),
          }),
    },
    spec: {
      selector: { [selector.label]: value },
      ports,
      ...(service.headless === true ? { clusterIP: 'None' } : {}),
      ...(service.trafficDistribution === undefined ? {} : { trafficDistribution: service.trafficDistribution }),
    },
  })
  const isAdopted = options.liveApex !== undefined && isAdoptedApex(options.liveApex, canary)
  return {
    apex: build(names.apex, primaryValue(selector), service.apex, isAdopted),
    primary: build(names.primary, primaryValue(selector), service.primary, false),
    canary: build(names.canary, selector.value, service.canary, false),
  }
}

/** Whether a Service was there before the canary: it is used, but never owned, so it outlives the canary. */
export function isAdoptedApex(live: KubeObject, canary: Canary): boolean {
  return !isOwnedBy(live, canary)
}

const meshContainers = new Set(['istio-proxy', 'envoy'])

/**
 * The ports of a canary's Services: the main one, and with `portDiscovery` each other port that a container of the target
 * declares, named as there or `tcp-<container>-<index>`.
 */
export function portsOf(canary: Canary, target: KubeObject): readonly JsonObject[] {
  const { service } = canary.spec
  const targetPort = service.targetPort ?? service.port
  const main: JsonObject = {
    name: service.portName ?? 'http',
    protocol: 'TCP',
    port: service.port,
    targetPort,
    ...(service.appProtocol === undefined ? {} : { appProtocol: service.appProtocol }),
  }
  return service.portDiscovery === true ? [main, ...discoveredPorts(target, main)] : [main]
}

function discoveredPorts(target: KubeObject, main: JsonObject): JsonObject[] {
  const found: JsonObject[] = []
  const names = new Set([main['name']])
  const taken = new Set([main['port'], main['targetPort']])
  const containers = at(target, 'spec', 'template', 'spec', 'containers')
  for (const container of Array.isArray(containers) ? containers : []) {
    const containerName = stringAt(container, 'name') ?? ''
    const ports = at(container, 'ports')
    if (meshContainers.has(containerName) || !Array.isArray(ports)) continue
    for (const [index, one] of ports.entries()) {
      const number = numberAt(one, 'containerPort')
      const declared = stringAt(one, 'name')
      const protocol = stringAt(one, 'protocol') ?? 'TCP'
      if (number === undefined || taken.has(number) || (declared !== undefined && taken.has(declared))) continue
      const name = declared === undefined || names.has(declared) ? `tcp-${containerName}-${index}` : declared
      names.add(name)
      taken.add(number)
      found.push({ name, protocol, port: number, targetPort: number })
    }
  }
  return found
}

function without(
  entries: Readonly<Record<string, string>>,
  keys: readonly string[] | undefined,
): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).filter(([key]) => keys?.includes(key) !== true))
}

/**
 * The merge patch that takes from a live Service what an apply of `wanted` would leave: other selector labels and ports.
 * Node ports are kept by the port's name. Undefined when there is nothing to take.
 */
export function serviceCleanup(live: KubeObject, wanted: KubeObject): JsonObject | undefined {
  const wantedSelector = at(wanted, 'spec', 'selector')
  const liveSelector = at(live, 'spec', 'selector')
  const foreign =
    isObject(liveSelector) && isObject(wantedSelector)
      ? Object.keys(liveSelector).filter((label) => wantedSelector[label] === undefined)
      : []
  const wantedPorts = at(wanted, 'spec', 'ports')
  const livePorts = at(live, 'spec', 'ports')
  const hasForeignPorts =
    Array.isArray(livePorts) &&
    Array.isArray(wantedPorts) &&
    livePorts.some((port: Json) => !wantedPorts.some((other: Json) => isSamePort(port, other)))
  if (foreign.length === 0 && !hasForeignPorts) return undefined
  return {
    spec: {
      ...(isObject(wantedSelector)
        ? { selector: { ...Object.fromEntries(foreign.map((label) => [label, null])), ...wantedSelector } }
        : {}),
      ...(hasForeignPorts ? { ports: withNodePorts(wantedPorts, livePorts) } : {}),
    },
  }
}

function withNodePorts(wanted: readonly Json[], live: readonly Json[]): Json[] {
  return wanted.map((port) => {
    const before = live.find((other) => stringAt(other, 'name') === stringAt(port, 'name'))
    const nodePort = numberAt(before, 'nodePort')
    return isObject(port) && nodePort !== undefined ? { ...port, nodePort } : port
  })
}

function isSamePort(one: Json, other: Json): boolean {
  const same = (field: string): boolean => at(one, field) === at(other, field)
  return same('port') && same('name') && (stringAt(one, 'protocol') ?? 'TCP') === (stringAt(other, 'protocol') ?? 'TCP')
}
