import { inject, onTestFinished } from 'vitest'
import {
  createVirtualStage,
  type VirtualStage,
  type VirtualStageOptions,
} from '../../../src/cli/stage/virtual-stage.ts'
import type { JsonObject } from '../../../src/lib/json.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import type { MetricsPort } from '../../../src/metrics/port.ts'
import { createRealStage } from './real-stage.ts'

/** What scenarios need of a stage, whoever plays the cluster. */
export interface ScenarioStage extends Pick<VirtualStage, 'clock' | 'remote' | 'spool' | 'start' | 'commit'> {
  readonly cluster: Pick<VirtualStage['cluster'], 'list'> & {
    onChange(listener: (change: { readonly object: KubeObject }) => void): () => void
  }
  /** A person's request to the API server. Rejects when it is refused. */
  kubectl(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: JsonObject): Promise<void>
}

export interface StageOptions extends Omit<VirtualStageOptions, 'metrics'> {
  readonly metrics: (stage: { readonly cluster: Pick<VirtualStage['cluster'], 'list'> }) => MetricsPort
}

/** The embedded cluster, or a namespace of the real one where there is one; it ends with the test. */
export async function createStage(options: StageOptions): Promise<ScenarioStage> {
  const controlPlane = inject('controlPlane')
  if (controlPlane !== undefined) {
    const stage = await createRealStage(controlPlane, options)
    onTestFinished(() => stage.close())
    return stage
  }
  const stage = await createVirtualStage(options)
  return {
    ...stage,
    kubectl: async (method, path, body) => {
      const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
      const sent = body === undefined ? {} : { body }
      const { status } = stage.cluster.serve({ method, path, contentType, userAgent: 'kubectl', ...sent })
      if (status >= 300) throw new Error(`kubectl ${method} ${path} was answered ${status}`)
    },
  }
}
