import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** Where the tests get a real control plane from: programs to start, or a cluster that runs already. */
export type FoundControlPlane =
  | { readonly kind: 'binaries'; readonly directory: string }
  | { readonly kind: 'running'; readonly kubeconfigPath: string; readonly context: string }

/** The programs of a control plane, as envtest's users have them, and the two that let Deployments move. */
export const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const

/** What a newcomer reads when there is none. */
export const HOW_TO_ADD =
  'test/cluster/control-plane/build.sh builds one (once, on Debian), or set KUBEBUILDER_ASSETS to a folder with ' +
  `${PROGRAMS.join(', ')}, or KUBECONFIG and SERIN_TEST_CONTEXT to a bare control plane that runs`

/**
 * Finds a control plane: `KUBEBUILDER_ASSETS` first, then `KUBECONFIG` with `SERIN_TEST_CONTEXT` (a context is never
 * guessed: the tests write to it), then what `build.sh` has built. Undefined when there is none; throws when what a
 * variable names can't be used.
 */
export function findControlPlane(env: NodeJS.ProcessEnv = process.env): FoundControlPlane | undefined {
  const assets = env['KUBEBUILDER_ASSETS'] ?? ''
  if (assets !== '') {
    const missing = missingIn(assets)
    if (missing.length === 0) return { kind: 'binaries', directory: assets }
    throw new Error(`KUBEBUILDER_ASSETS=${assets} lacks ${missing.join(', ')}: Deployments would not move without them`)
  }
  const context = env['SERIN_TEST_CONTEXT'] ?? ''
  if (context !== '') {
    const kubeconfigPath = env['KUBECONFIG'] ?? ''
    if (kubeconfigPath === '') throw new Error(`SERIN_TEST_CONTEXT=${context} is set, but KUBECONFIG is not`)
    return { kind: 'running', kubeconfigPath, context }
  }
  const built = execFileSync(join(import.meta.dirname, 'build.sh'), ['--where'], { encoding: 'utf8' }).trim()
  return missingIn(built).length === 0 ? { kind: 'binaries', directory: built } : undefined
}

function missingIn(directory: string): readonly string[] {
  return PROGRAMS.filter((name) => !isExecutable(join(directory, name)))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
