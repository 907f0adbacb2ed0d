import { execFileSync } from 'node:child_process'
import { inject } from 'vitest'
import { numberAt, stringAt } from '../../../src/lib/json.ts'
import { isCi, needs } from '../../support/needs.ts'

/** Older ones ask for schemas that the embedded server does not give. */
const FIRST_FOR_EMBEDDED = 27

/** Whether kubectl is there and can be used with the cluster of this project of tests; if not, one line says why. */
export function hasKubectl(): boolean {
  const program = needs('kubectl', 'kubernetes-client')
  if (program === undefined) return false
  const minor = minorVersion()
  if (inject('controlPlane') !== undefined || minor >= FIRST_FOR_EMBEDDED) return true
  if (isCi()) throw new Error(`kubectl 1.${minor} is too old for the embedded cluster, and CI leaves no test out`)
  console.log(
    `left out: kubectl on the embedded cluster (this one is 1.${minor}, from 1.${FIRST_FOR_EMBEDDED} on they fit)`,
  )
  return false
}

/** The second number of kubectl's version. */
export function minorVersion(): number {
  const version: unknown = JSON.parse(
    execFileSync('kubectl', ['version', '--client', '-o', 'json'], { encoding: 'utf8' }),
  )
  const minor = stringAt(version, 'clientVersion', 'minor') ?? numberAt(version, 'clientVersion', 'minor')
  return Number.parseInt(String(minor), 10)
}
