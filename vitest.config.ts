import { defineConfig, type TestProjectConfiguration } from 'vitest/config'
import { findControlPlane, HOW_TO_ADD } from './test/cluster/control-plane/find.ts'
import { isCi } from './test/support/needs.ts'

const own: TestProjectConfiguration = {
  extends: true,
  test: {
    name: 'own',
    include: ['test/**/*.test.ts'],
    exclude: ['test/real/**'],
    provide: { controlPlane: undefined },
  },
}
// The scenarios run a second time here, unchanged, against programs that are not the project's own.
const real: TestProjectConfiguration = {
  extends: true,
  test: {
    name: 'real',
    include: ['test/real/**/*.test.ts', 'test/scenarios/**/*.test.ts', 'test/cluster/api-conformance/**/*.test.ts'],
    globalSetup: ['test/cluster/control-plane/global-setup.ts'],
  },
}

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
    projects: [own, ...(hasControlPlane() ? [real] : [])],
  },
})

function hasControlPlane(): boolean {
  if (findControlPlane() !== undefined) return true
  if (isCi()) throw new Error(`no control plane, and CI leaves no test out: ${HOW_TO_ADD}`)
  // Read once for each project, told once.
  if (process.env['SERIN_TOLD'] === undefined)
    console.log(`left out: the tests on a real control plane (${HOW_TO_ADD})`)
  process.env['SERIN_TOLD'] = 'yes'
  return false
}
