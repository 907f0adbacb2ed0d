import type { LedgerEntry } from '../ledger/entry.ts'
import type { KubeObject } from '../lib/kube-object.ts'
import { Problem } from '../lib/problem.ts'
import type { Canary } from '../resources/canary.ts'
import { PROVIDERS } from '../resources/fields.ts'
import { isRunning } from '../rollout/state.ts'
import { providerThatWrote } from '../traffic/registry.ts'
import { apexName } from './converge.ts'
import { providerOf, type CanaryDefaults } from './rollout-spec.ts'

/** A Canary as its rollout goes on with it, and what is held back of it, if something is. */
export interface HeldRouting {
  readonly canary: Canary
  readonly fault: Problem | undefined
}

/**
 * While a rollout runs its traffic stays with the provider and the Service that it began with: with others, the former
 * routes would keep the canary's weight and nobody would watch them. The change comes into force when the rollout has ended.
 */
export function heldRouting(canary: Canary, entry: LedgerEntry | undefined, defaults: CanaryDefaults): HeldRouting {
  const service = entry === undefined ? undefined : recordedApex(entry.routes)
  if (entry === undefined || service === undefined || !isRunning(entry.state.phase)) return { canary, fault: undefined }
  const wrote = providerThatWrote(entry.routes)?.name
  const provider = PROVIDERS.find((name) => name === (wrote ?? providerOf(canary, defaults)))
  const isSame = service === apexName(canary) && provider === providerOf(canary, defaults)
  if (provider === undefined || isSame) return { canary, fault: undefined }
  const { spec, metadata } = canary
  return {
    canary: { ...canary, spec: { ...spec, provider, service: { ...spec.service, name: service } } },
    fault: new Problem({
      kind: 'wait',
      code: 'CANARY_ROUTES_HELD',
      place: `Canary/${metadata.name}.${metadata.namespace}`,
      message: `the running rollout goes on with the Service ${service} and the provider ${provider}`,
      hint: 'what the Canary says now comes into force when it has ended',
    }),
  }
}

/** The Service that users talk to has the names of the other two at their beginnings. */
function recordedApex(routes: readonly KubeObject[]): string | undefined {
  const names = new Set(routes.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name))
  return [...names].find((name) => names.has(`${name}-primary`) && names.has(`${name}-canary`))
}
