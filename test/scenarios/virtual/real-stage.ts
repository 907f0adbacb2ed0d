import { connectCluster, type ClusterConnection } from '../../../src/cluster/transport-http.ts'
import type { KubeTransport } from '../../../src/cluster/transport.ts'
import { person, type RunningSerin } from '../../../src/cli/stage/virtual-stage.ts'
import { startStagedSerin } from '../../../src/cli/stage/staged-serin.ts'
import { numberAt, stringAt } from '../../../src/lib/json.ts'
import { seededRandom } from '../../../src/lib/seeded-random.ts'
import { createMemoryRemote } from '../../../src/playground/git-memory.ts'
import { createVirtualClock } from '../../../src/playground/virtual-clock.ts'
import { memorySpool } from '../../../src/reconciler/memory-spool.ts'
import type { SharedControlPlane } from '../../cluster/control-plane/ready.ts'
import { mirrorNamespace, type ClusterMirror } from '../../support/cluster-mirror.ts'
import { namespace } from '../namespace.ts'
import { connectAsSerin, makeNamespace } from '../real-account.ts'
import { autoscalingVersion } from '../autoscaling.ts'
import type { ScenarioStage, StageOptions } from './stage.ts'

/** A cluster in which all is as it should be is quiet after this long without a change. */
const QUIET_MS = 40
/** Pods that have not moved for so long wait for something that may never come; controllers of a busy machine need a while. */
const STUCK_MS = 2500
const WORKLOADS: readonly string[] = ['Deployment', 'Pod', 'HorizontalPodAutoscaler']
const LOOK_EVERY_MS = 4

/** A stage on the real control plane, with a namespace of its own. */
export interface RealStage extends ScenarioStage {
  close(): Promise<void>
}

/**
 * A stage whose cluster is real and whose clock is not: virtual time goes on when every request has been answered and the
 * controllers have nothing to do any more, so that a scenario plays here as it does on the embedded cluster.
 */
export async function createRealStage(shared: SharedControlPlane, options: StageOptions): Promise<RealStage> {
  const { kubeconfigPath, context } = shared
  const admin = await connectCluster({ userAgent: 'kubectl', kubeconfigPath, context })
  const own = await connectAsSerin(shared, admin.transport)
  await makeNamespace(admin.transport, namespace)
  const mirror = await mirrorNamespace(admin.transport, namespace)
  const activity = new Activity(mirror)
  const clock = createVirtualClock(options.startMs, () => activity.settle())
  const random = seededRandom(options.seed)
  const { interceptGit, onMoved, metrics, log, minIntervalMs, lookEveryMs = 1000, onSentence } = options
  const remote = createMemoryRemote({
    ...(interceptGit === undefined ? {} : { intercept: interceptGit }),
    ...(onMoved === undefined ? {} : { onMoved }),
  })
  const commit: RealStage['commit'] = (files, message) =>
    remote.commit('main', new Map(Object.entries(files)), message, person, clock.now())
  commit(options.files, 'Start')
  const spool = memorySpool()
  const cluster = { transport: activity.watched(own.transport), list: mirror.list, onChange: mirror.onChange }
  const port = metrics({ cluster })
  const fateOf = options.fateOf ?? (() => ({ kind: 'pass' as const }))
  const everywhere = { clock, random, remote, cluster, metrics: port, log, minIntervalMs, lookEveryMs, fateOf }
  const serins: RunningSerin[] = []
  return {
    clock,
    remote,
    cluster,
    spool,
    commit,
    start: ({ forge, spool: ownSpool } = {}) => {
      const process = serins.length + 1
      const serin = startStagedSerin({
        ...everywhere,
        onSentence,
        process,
        forge,
        spool: ownSpool ?? spool,
        namespaces: [namespace],
      })
      serins.push(serin)
      return serin
    },
    kubectl: async (method, path, body) => {
      const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
      const { status } = await admin.transport.send({
        method,
        path,
        contentType,
        ...(body === undefined ? {} : { body }),
      })
      activity.happened()
      if (status >= 300) throw new Error(`kubectl ${method} ${path} was answered ${status}`)
      await activity.settle()
    },
    close: () => end(serins, mirror, admin, own),
  }
}

async function end(
  serins: readonly RunningSerin[],
  mirror: ClusterMirror,
  admin: ClusterConnection,
  own: ClusterConnection,
): Promise<void> {
  for (const serin of serins) serin.kill()
  mirror.stop()
  await admin.transport.send({ method: 'DELETE', path: `/api/v1/namespaces/${namespace}` })
  await Promise.all([admin.close(), own.close()])
}

/** What still goes on in the cluster because of what was done. */
class Activity {
  private readonly mirror: ClusterMirror
  private underway = 0
  private lastMs = performance.now()
  private lastWorkloadMs = performance.now()

  constructor(mirror: ClusterMirror) {
    this.mirror = mirror
    mirror.onChange(({ object }) => {
      this.happened()
      if (WORKLOADS.includes(object.kind)) this.lastWorkloadMs = this.lastMs
    })
  }

  happened(): void {
    this.lastMs = performance.now()
  }

  /** A transport whose requests count as something that goes on. */
  watched(transport: KubeTransport): KubeTransport {
    return {
      send: async (request) => {
        this.underway += 1
        try {
          return await transport.send(request)
        } finally {
          this.underway -= 1
          if (request.method !== 'GET') this.happened()
        }
      },
      watch: (request) => transport.watch(request),
    }
  }

  async settle(): Promise<void> {
    for (;;) {
      for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
      const nowMs = performance.now()
      const isAtRest = (this.isDone() && !this.isBelowMinimum()) || nowMs - this.lastWorkloadMs >= STUCK_MS
      const isQuiet = isAtRest && nowMs - this.lastMs >= QUIET_MS
      if (this.underway === 0 && isQuiet) return
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    }
  }

  /** An autoscaler is about to give a running Deployment more pods. */
  private isBelowMinimum(): boolean {
    const { mirror } = this
    const apiVersion = `autoscaling/${autoscalingVersion()}`
    return mirror.list(apiVersion, 'HorizontalPodAutoscaler').some((autoscaler) => {
      const name = stringAt(autoscaler, 'spec', 'scaleTargetRef', 'name')
      const target = mirror.list('apps/v1', 'Deployment').find(({ metadata }) => metadata.name === name)
      const replicas = numberAt(target, 'spec', 'replicas') ?? 0
      return replicas > 0 && replicas < (numberAt(autoscaler, 'spec', 'minReplicas') ?? 1)
    })
  }

  /** Every Deployment has the pods that it should have, and no pod is about to end. */
  private isDone(): boolean {
    const { mirror } = this
    return (
      mirror.list('apps/v1', 'Deployment').every((deployment) => {
        const wanted = numberAt(deployment, 'spec', 'replicas') ?? 1
        const seen = numberAt(deployment, 'status', 'observedGeneration') ?? 0
        const counts = ['replicas', 'updatedReplicas', 'availableReplicas']
        return (
          seen >= (deployment.metadata.generation ?? 0) &&
          counts.every((count) => (numberAt(deployment, 'status', count) ?? 0) === wanted)
        )
      }) && mirror.list('v1', 'Pod').every(({ metadata }) => metadata.deletionTimestamp === undefined)
    )
  }
}
