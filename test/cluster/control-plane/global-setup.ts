import type { TestProject } from 'vitest/node'
import { findControlPlane, HOW_TO_ADD } from './find.ts'
import { readyControlPlane, type SharedControlPlane } from './ready.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Undefined where the tests run on the embedded cluster. */
    controlPlane: SharedControlPlane | undefined
  }
}

/** Starts the control plane that all tests of a run share, once; ends it after the last one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const found = findControlPlane()
  if (found === undefined) throw new Error(`no control plane: ${HOW_TO_ADD}`)
  const startedMs = Date.now()
  const { close, programs: _programs, ...shared } = await readyControlPlane(found)
  console.log(
    `control plane ${shared.serverVersion} at ${shared.url} after ${((Date.now() - startedMs) / 1000).toFixed(1)} s`,
  )
  project.provide('controlPlane', shared)
  return close
}
