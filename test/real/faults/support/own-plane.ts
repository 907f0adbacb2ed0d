import { findControlPlane, HOW_TO_ADD } from '../../../cluster/control-plane/find.ts'
import { readyControlPlane, type SharedControlPlane } from '../../../cluster/control-plane/ready.ts'
import type { ControlPlane, StartOptions } from '../../../cluster/control-plane/start.ts'

/** A control plane that a test may stop, hold and break. */
export interface OwnPlane extends SharedControlPlane {
  readonly programs: ControlPlane
  close(): Promise<void>
}

/** Whether there are programs to start one from; where only a running cluster is given there are none, and one line says so. */
export function hasPrograms(): boolean {
  if (programs() !== undefined) return true
  console.log(`left out: tests that stop the control plane (${HOW_TO_ADD})`)
  return false
}

/** Starts one for the calling test alone; takes ten seconds. */
export async function startOwnPlane(options: StartOptions = {}): Promise<OwnPlane> {
  const found = programs()
  if (found === undefined) throw new Error(`no control plane to start: ${HOW_TO_ADD}`)
  const ready = await readyControlPlane(found, options)
  if (ready.programs === undefined) throw new Error('this control plane is not ours to stop')
  return { ...ready, programs: ready.programs }
}

function programs(): ReturnType<typeof findControlPlane> {
  const found = findControlPlane({ ...process.env, SERIN_TEST_CONTEXT: '' })
  return found?.kind === 'binaries' ? found : undefined
}
