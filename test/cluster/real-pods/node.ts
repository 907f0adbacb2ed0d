import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '../../../src/cluster/client.ts'
import { at, isObject, stringAt } from '../../../src/lib/json.ts'
import { component } from '../control-plane/component.ts'
import { PAUSE_IMAGE } from './images.ts'
import { until } from './until.ts'

/** The one node's name and the address that it has in the demonstration's network. */
export const NODE = { name: 'real-node', address: '192.0.2.10' } as const

export interface NodeOptions {
  /** For configuration, images and logs. */
  readonly directory: string
  /** The folder of the kubelet. */
  readonly programs: string
  readonly kubeconfigPath: string
  readonly client: Client
  /** What `docker save` writes. */
  readonly images: string
}

const CONTAINERD = '/run/containerd/containerd.sock'
const PATIENCE_MS = 90_000

/**
 * Starts containerd with the images and a kubelet, and resolves when the node is ready and takes pods. Both end with the
 * namespaces that they run in.
 */
export async function startNode({ directory, programs, kubeconfigPath, client, images }: NodeOptions): Promise<void> {
  writeNetwork(join(directory, 'cni'))
  const config = join(directory, 'containerd.toml')
  writeFileSync(config, containerdConfig(directory))
  const containerd = component('containerd', 'containerd', ['--config', config], directory)
  containerd.start()
  await until(
    'containerd answers',
    PATIENCE_MS,
    () => existsSync(CONTAINERD) && ctr('version') !== undefined,
    containerd,
  )
  if (ctr('images', 'import', '--no-unpack', images) === undefined)
    throw new Error('containerd did not take the images')
  const kubelet = component('kubelet', join(programs, 'kubelet'), kubeletFlags(directory, kubeconfigPath), directory)
  kubelet.start()
  const ref = { apiVersion: 'v1', kind: 'Node', name: NODE.name }
  const isReady = async (): Promise<boolean> => {
    const conditions = at(await client.get(ref), 'status', 'conditions')
    const list: readonly unknown[] = Array.isArray(conditions) ? conditions : []
    return list.some((one) => isObject(one) && stringAt(one, 'type') === 'Ready' && stringAt(one, 'status') === 'True')
  }
  await until('the node is ready', PATIENCE_MS, isReady, kubelet)
  // The controller that takes this taint away also watches for heartbeats, and is off.
  await client.patch(ref, { type: 'merge', body: { spec: { taints: null } }, fieldManager: 'real-pods' })
}

/** How many containers run, without their sandboxes, as containerd tells. */
export function runningContainers(): number {
  const lines = (ctr('containers', 'list') ?? '').split('\n').filter((line) => line.includes('serin.local/podinfo:'))
  const tasks = (ctr('tasks', 'list') ?? '').split('\n').filter((line) => line.includes('RUNNING'))
  const running = new Set(tasks.map((line) => line.split(/\s+/)[0]))
  return lines.filter((line) => running.has(line.split(/\s+/)[0])).length
}

function ctr(...args: readonly string[]): string | undefined {
  try {
    const command = ['--address', CONTAINERD, '--namespace', 'k8s.io', ...args]
    return execFileSync('ctr', command, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], timeout: 60_000 })
  } catch {
    return undefined
  }
}

/** Pods get addresses of a bridge in the same network as everything else: nothing leaves it, nothing is masqueraded. */
function writeNetwork(folder: string): void {
  mkdirSync(folder, { recursive: true })
  const bridge = {
    type: 'bridge',
    bridge: 'cni0',
    isGateway: true,
    ipMasq: false,
    ipam: { type: 'host-local', ranges: [[{ subnet: '10.88.0.0/16' }]], dataDir: join(folder, 'addresses') },
  }
  writeFileSync(join(folder, 'pods.conflist'), JSON.stringify({ cniVersion: '0.4.0', name: 'pods', plugins: [bridge] }))
}

function containerdConfig(directory: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"'
  return `version = 2
root = "${join(directory, 'lib/containerd')}"
state = "/run/containerd"
[grpc]
  address = "${CONTAINERD}"
[${cri}]
  sandbox_image = "${PAUSE_IMAGE}"
  # Without it a root that may not make processes less likely to be killed can start no sandbox.
  restrict_oom_score_adj = true
[${cri}.containerd]
  snapshotter = "overlayfs"
  default_runtime_name = "runc"
[${cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[${cri}.containerd.runtimes.runc.options]
  SystemdCgroup = false
[${cri}.cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "${join(directory, 'cni')}"
`
}

function kubeletFlags(directory: string, kubeconfigPath: string): readonly string[] {
  return [
    `--kubeconfig=${kubeconfigPath}`,
    '--container-runtime=remote',
    `--container-runtime-endpoint=unix://${CONTAINERD}`,
    `--root-dir=${join(directory, 'lib/kubelet')}`,
    `--cert-dir=${join(directory, 'lib/kubelet-certificates')}`,
    `--hostname-override=${NODE.name}`,
    `--node-ip=${NODE.address}`,
    '--address=127.0.0.1',
    '--healthz-bind-address=127.0.0.1',
    '--cgroup-driver=cgroupfs',
    '--cgroups-per-qos=false',
    '--enforce-node-allocatable=',
    '--fail-swap-on=false',
    '--make-iptables-util-chains=false',
    // A disk that is nearly full is no reason to end a demonstration's pods.
    '--eviction-hard=memory.available<1Mi',
    '--sync-frequency=10s',
    '--resolv-conf=',
  ]
}
