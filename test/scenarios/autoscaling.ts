import { inject } from 'vitest'

/** The version of autoscalers that the cluster serves when a scenario does not choose. */
export function autoscalingVersion(): 'v2' | 'v2beta2' {
  const minor = Number(/^v1\.(\d+)/.exec(inject('controlPlane')?.serverVersion ?? '')?.[1] ?? '99')
  return minor < 23 ? 'v2beta2' : 'v2'
}
