import { ledgerBranch } from '../../src/cli/stage/staged-serin.ts'
import { numberAt, stringAt } from '../../src/lib/json.ts'
import { Problem } from '../../src/lib/problem.ts'
import type { LedgerEntry } from '../../src/ledger/entry.ts'
import { ledgerFiles as names, parseEntry } from '../../src/ledger/files.ts'
import { isRunning } from '../../src/rollout/state.ts'
import { manifestsInText } from '../../src/source/manifest.ts'
import { revisionHash } from '../../src/source/revision.ts'
import { deploymentFile, tagOf } from './fleet.ts'
import { weightsOf } from './invariants.ts'
import { targetTag, type World } from './world.ts'

/** Why the world is not at rest yet; undefined when cluster, ledger and source branch tell the same story. */
export function unrest(world: World): string | undefined {
  const entry = readEntry(world)
  if (typeof entry === 'string') return entry
  const { state, promoted } = entry
  if (isRunning(state.phase) || state.phase === 'Initializing') return `the rollout is ${state.phase}`
  return clusterUnrest(world, entry) ?? sourceUnrest(world, entry, promoted.hash)
}

/** What was read of a tip: the same one is asked for again and again while nothing happens. */
const known = new WeakMap<World, { readonly tip: string; readonly entry: LedgerEntry | string }>()

function readEntry(world: World): LedgerEntry | string {
  const tip = world.stage.remote.tip(ledgerBranch)
  if (tip === null) return 'there is no ledger'
  const last = known.get(world)
  if (last?.tip === tip) return last.entry
  const entry = parseTip(world)
  known.set(world, { tip, entry })
  return entry
}

function parseTip({ stage }: World): LedgerEntry | string {
  const { remote } = stage
  const files = remote.files(ledgerBranch)
  const texts = Object.fromEntries(names.map((name) => [name, files.get(`test/podinfo/${name}`) ?? null]))
  try {
    return parseEntry('test/podinfo', texts as Parameters<typeof parseEntry>[1])
  } catch (error) {
    return error instanceof Problem ? error.toString() : String(error)
  }
}

function clusterUnrest({ stage }: World, { state, primary }: LedgerEntry): string | undefined {
  const { cluster } = stage
  const routes = cluster.list('networking.istio.io/v1beta1', 'VirtualService')
  const weight = weightsOf(routes.find(({ metadata }) => metadata.name === 'podinfo'))?.canary
  if (weight !== state.canaryWeight)
    return `the routes give the canary ${weight} %, recorded are ${state.canaryWeight} %`
  const deployments = cluster.list('apps/v1', 'Deployment', 'test')
  const live = deployments.find(({ metadata }) => metadata.name === 'podinfo-primary')
  const wanted = tagOf(primary)
  const runs = tagOf(live?.spec ?? {})
  if (runs !== wanted) return `the primary runs ${runs}, recorded is ${wanted}`
  if ((numberAt(live, 'status', 'readyReplicas') ?? 0) === 0) return 'the primary has no ready pod'
  const target = deployments.find(({ metadata }) => metadata.name === 'podinfo')
  const replicas = numberAt(target, 'spec', 'replicas')
  if (state.canaryWeight === 0 && replicas !== 0) return `the target has ${replicas} replicas`
  const [canary] = cluster.list('flagger.app/v1beta1', 'Canary')
  const phase = stringAt(canary, 'status', 'phase')
  return phase === state.phase ? undefined : `the Canary's status says ${phase}, recorded is ${state.phase}`
}

function sourceUnrest(world: World, { state, primary }: LedgerEntry, promotedHash: string): string | undefined {
  const { remote, cluster } = world.stage
  const text = remote.files('main').get(deploymentFile) ?? ''
  const live = cluster.list('apps/v1', 'Deployment', 'test').find(({ metadata }) => metadata.name === 'podinfo')
  const object = manifestsInText(text, deploymentFile).manifests[0]?.object ?? live
  const hash = object === undefined ? 'none' : revisionHash(object)
  if (hash === promotedHash) return undefined
  const tag = tagOf(object?.spec)
  // The same content has another hash on the other side of the border between Git and the cluster.
  if (tag === tagOf(primary)) return undefined
  const isExplained = state.rollback !== undefined || state.keptOut !== undefined
  const isKnown = state.quarantine.includes(hash) || world.invariants.tagOf(state.revision.commit) === tag
  if (isKnown && isExplained) return undefined
  return `the source branch or the cluster asks for ${tag}, the primary runs something else (target: ${targetTag(world.stage.cluster)})`
}
