import { ledgerBranch, serinIdentity } from '../../src/cli/stage/staged-serin.ts'
import { person } from '../../src/cli/stage/virtual-stage.ts'
import type { Commit } from '../../src/git/types.ts'
import { createCanaryByHand, deleteByHand, notInGit, setImageByHand, setPlanByHand, tagInCluster } from './by-hand.ts'
import { canary, canaryFile, deployment, deploymentFile, tagIn, type Plan } from './fleet.ts'
import { weightsOf } from './invariants.ts'
import type { World } from './world.ts'

/** One thing that somebody does. Resolves to what is told of it; undefined when it can't be done now. */
type Deed = (world: World) => string | undefined

/** What people and machines do, with how often they do it. */
const deeds: readonly (readonly [number, Deed])[] = [
  [5, (world) => release(world, 'good')],
  [3, (world) => release(world, 'bad')],
  [1, (world) => release(world, 'flaky')],
  [1, (world) => release(world, 'broken')],
  [4, revertRelease],
  [1, bringBack],
  [2, unrelated],
  [2, changePlan],
  [1, breakPlan],
  [2, (world) => revertOnLedger(world, /^Advance /)],
  [1, (world) => revertOnLedger(world, /^Copying /)],
  [2, (world) => revertOnLedger(world, /^Rolling back /)],
  [1, (world) => revertOnLedger(world, /./)],
  [1, spoilLedger],
  [1, meddleWithRoutes],
  [1, cutWatches],
  [1, secondSerin],
  [1, forgetPast],
  [1, rewriteSource],
  [1, moveBetweenGitAndCluster],
  [1, deleteCanary],
]

/** Does something, drawn from the seed. */
export function act(world: World): void {
  const all = deeds.flatMap(([often, deed]) => Array.from({ length: often }, () => deed))
  const told = world.dice.pick(all)(world)
  if (told !== undefined) world.tell(`** ${told}`)
}

/** How every story ends: the Canary is in order again, and often one more release comes. */
export function settleStory(world: World): void {
  const { suspend, isBroken } = world.plan
  if (!world.isInGit) createCanary(world)
  if (suspend || isBroken) plan(world, { suspend: false, isBroken: false })
  if (world.dice.chance(0.3)) lastRelease(world)
}

/** One more good release. */
export function lastRelease(world: World): void {
  world.tell(`** ${release(world, 'good')}`)
}

function release(world: World, quality: string): string {
  const tag = `${quality}-${world.count('release')}`
  if (!world.isInGit) return setImage(world, tag)
  world.stage.commit({ [deploymentFile]: deployment(tag) }, `Bump podinfo to ${tag}\n`)
  return `releases ${tag}`
}

/** The manifest of before, as `git revert` of the last release leaves it. */
function revertRelease(world: World): string | undefined {
  const tags = sourceTags(world)
  const [last, before] = [tags.at(-1), tags.at(-2)]
  if (last === undefined || before === undefined) return undefined
  if (!world.isInGit) return setImage(world, before)
  world.stage.commit({ [deploymentFile]: deployment(before) }, `Revert "Bump podinfo to ${last}"\n`)
  return `reverts ${last}, back to ${before}`
}

/** A bot or a person brings a revision of earlier back. */
function bringBack(world: World): string | undefined {
  const tags = sourceTags(world)
  const tag = world.dice.pick(tags)
  if (tag === tags.at(-1)) return undefined
  if (!world.isInGit) return setImage(world, tag)
  const { stage } = world
  const author = world.dice.chance(0.5) ? person : { name: 'updater[bot]', email: 'bot@example.com' }
  stage.remote.commit(
    'main',
    new Map([[deploymentFile, deployment(tag)]]),
    `Use podinfo ${tag}\n`,
    author,
    stage.clock.now(),
  )
  return `${author.name} brings ${tag} back`
}

function unrelated(world: World): string {
  world.stage.commit({ 'README.md': `Note ${world.count('note')}.\n` }, 'Note something\n')
  return 'notes something'
}

function changePlan(world: World): string {
  const { dice } = world
  const change = dice.pick<Partial<Plan>>([
    { threshold: dice.between(1, 4) },
    { stepWeight: dice.pick([20, 25]) },
    { maxWeight: dice.pick([50, 75]) },
    { stepWeightPromotion: dice.pick([0, 25]) },
    { skipAnalysis: dice.chance(0.5) },
    { suspend: dice.chance(0.5) },
  ])
  return plan(world, change)
}

function breakPlan(world: World): string {
  return plan(world, { isBroken: !world.plan.isBroken })
}

function plan(world: World, change: Partial<Plan>): string {
  world.plan = { ...world.plan, ...change }
  if (world.plan.skipAnalysis) world.invariants.maySkipAnalysis = true
  if (world.isInGit) world.stage.commit({ [canaryFile]: canary(world.plan) }, 'Change the Canary\n')
  else if (world.stage.cluster.list('flagger.app/v1beta1', 'Canary').length > 0)
    setPlanByHand(world.stage.cluster, world.plan)
  return `sets ${JSON.stringify(change)}`
}

/** Undoes the newest of Serin's ledger commits that a subject matches, as `git revert` does where it applies cleanly. */
function revertOnLedger(world: World, subject: RegExp): string | undefined {
  const { remote, clock } = world.stage
  if (remote.tip(ledgerBranch) === null) return undefined
  const commit = remote.log(ledgerBranch).findLast((one) => isSerins(one) && subject.test(one.message))
  const [parent] = commit?.parents ?? []
  if (commit === undefined || parent === undefined) return undefined
  const [before, after, now] = [remote.filesAt(parent), remote.filesAt(commit.oid), remote.files(ledgerBranch)]
  const changes = new Map<string, string | null>()
  for (const [path, text] of after) {
    if (before.get(path) === text) continue
    if (now.get(path) !== text || before.get(path) === undefined) return undefined
    changes.set(path, before.get(path) ?? null)
  }
  if (changes.size === 0) return undefined
  const title = commit.message.split('\n', 1)[0]
  remote.commit(ledgerBranch, changes, `Revert "${title}"\n`, person, clock.now())
  return `reverts "${title}" on the ledger`
}

function spoilLedger(world: World): string | undefined {
  const { remote, clock } = world.stage
  if (remote.tip(ledgerBranch) === null) return undefined
  const file = world.dice.pick(['status.yaml', 'promoted.yaml', 'routes.yaml', 'primary.yaml'])
  const text = world.dice.pick([null, 'nonsense: [', 'phase: Happy\n'])
  remote.commit(ledgerBranch, new Map([[`test/podinfo/${file}`, text]]), 'Tidy up\n', person, clock.now())
  return `spoils ${file} on the ledger`
}

/** Somebody edits the weights by hand. */
function meddleWithRoutes(world: World): string | undefined {
  const { cluster } = world.stage
  const live = cluster
    .list('networking.istio.io/v1beta1', 'VirtualService')
    .find(({ metadata }) => metadata.name === 'podinfo')
  if (weightsOf(live) === undefined) return undefined
  const canaryWeight = world.dice.pick([0, 5, 100])
  const route = [
    { destination: { host: 'podinfo-primary' }, weight: 100 - canaryWeight },
    { destination: { host: 'podinfo-canary' }, weight: canaryWeight },
  ]
  world.invariants.meddle('routes', () =>
    cluster.serve({
      method: 'PATCH',
      path: '/apis/networking.istio.io/v1beta1/namespaces/test/virtualservices/podinfo',
      contentType: 'application/merge-patch+json',
      body: { spec: { http: [{ route }] } },
      userAgent: 'kubectl',
    }),
  )
  return `sets the weight to ${canaryWeight} by hand`
}

function cutWatches(world: World): string {
  for (const serin of world.serins()) serin.cutWatches()
  return 'watches break'
}

function secondSerin(world: World): string {
  world.startSerin()
  return 'a second Serin starts'
}

function forgetPast(world: World): string {
  world.stage.cluster.compact()
  for (const serin of world.serins()) serin.cutWatches()
  return 'the API server forgets the past'
}

/** Takes the last commit of the source branch away. */
function rewriteSource(world: World): string | undefined {
  const { remote } = world.stage
  const parent = remote.log('main').at(-1)?.parents[0]
  if (parent === undefined) return undefined
  world.isForcing = true
  remote.reset('main', parent)
  world.isForcing = false
  world.isRewritten = true
  return 'rewrites the source branch'
}

/** Deletes the Canary in the cluster. Serin brings it back where Git has it, else a person does. */
function deleteCanary(world: World): string | undefined {
  const { stage, invariants, dice } = world
  if (stage.cluster.list('flagger.app/v1beta1', 'Canary').length === 0) return undefined
  invariants.meddle('primary', () => deleteByHand(stage.cluster))
  if (!world.isInGit) stage.clock.after(dice.between(1000, 40_000), () => createCanary(world))
  return 'deletes the Canary in the cluster'
}

function createCanary(world: World): void {
  if (world.isInGit) return
  createCanaryByHand(world.stage.cluster, world.plan)
  world.tell('** makes the Canary again')
}

function setImage(world: World, tag: string): string {
  if (tagInCluster(world.stage.cluster) === tag) return `leaves the image at ${tag}`
  setImageByHand(world.stage.cluster, tag)
  world.tagsByHand.push(tag)
  return `sets the image to ${tag} by hand`
}

/** Canary and target leave the source branch for the cluster alone, or come to it as they are in the cluster. */
function moveBetweenGitAndCluster(world: World): string | undefined {
  const { stage } = world
  const tag = tagInCluster(stage.cluster)
  if (tag === 'none' || stage.cluster.list('flagger.app/v1beta1', 'Canary').length === 0) return undefined
  world.isInGit = !world.isInGit
  const files = world.isInGit ? { [canaryFile]: canary(world.plan), [deploymentFile]: deployment(tag) } : notInGit
  stage.commit(files, world.isInGit ? 'Adopt podinfo\n' : 'Let podinfo go\n')
  if (!world.isInGit) world.tagsByHand.splice(0, Infinity, tag)
  return world.isInGit ? `takes podinfo ${tag} into the source branch` : 'takes podinfo out of the source branch'
}

/** The tags that were asked for, one after the other. */
function sourceTags(world: World): readonly string[] {
  if (!world.isInGit) return world.tagsByHand
  const { remote } = world.stage
  const tags = remote.log('main').map(({ oid }) => tagIn(remote.filesAt(oid).get(deploymentFile)))
  const there = tags.slice(tags.lastIndexOf('none') + 1)
  return there.filter((tag, nth) => tag !== there[nth - 1])
}

function isSerins({ author }: Commit): boolean {
  return author.email === serinIdentity.email
}
