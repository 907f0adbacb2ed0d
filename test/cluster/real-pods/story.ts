import { at, isObject, numberAt, stringAt } from '../../../src/lib/json.ts'
import { deployment, DEPLOYMENT_PATH } from './fleet.ts'
import { imageOf, type Release } from './images.ts'
import { startLoad, type Answered } from './load.ts'
import type { Act, Mark } from './measure.ts'
import { runningContainers } from './node.ts'
import { until } from './until.ts'
import type { World } from './world.ts'

/** What the story did, for the check at its end. */
export interface Told {
  readonly first: Act
  readonly good: Act & { readonly merge: string }
  readonly bad: Act & { readonly merge: string; readonly fileBefore: string }
  readonly answers: readonly Answered[]
  readonly marks: readonly Mark[]
  /** Containers of the application that containerd ran: with the primary alone, and during the rollout. */
  readonly containers: { readonly primary: number; readonly rollout: number }
  /** Images of the primary's ready pods after each act. */
  readonly primaryImages: readonly (readonly string[])[]
}

const PER_SECOND = 100
/** A kubelet on a busy machine may take a minute to be done with a pod. */
const PATIENCE_MS = 180_000
/** How long an act goes on after its release has ended, so that what comes after is seen too. */
const AFTERWARDS_MS = 5000

/** Plays the story. Rejects when something does not happen in time. */
export async function tell(world: World, [first, good, bad]: readonly [Release, Release, Release]): Promise<Told> {
  const { timeline, repository } = world
  const wait = (what: string, holds: () => boolean | Promise<boolean>): Promise<void> =>
    until(what, PATIENCE_MS, () => {
      const lastWords = world.serin.lastWords()
      if (lastWords !== undefined) throw new Error(`Serin has ended before ${what}: ${lastWords}`)
      return holds()
    })
  timeline.act(`1  Serin takes podinfo ${first.version} over, on real pods`)
  await wait('podinfo is initialised', async () => (await phase(world)) === 'Initialized')
  await wait('the target is at zero', async () => (await podImages(world, 'podinfo')).length === 0)
  await wait('the proxy has the primary', () => answersWell(world.proxy.url))
  await wait('the containers of the target are gone', () => runningContainers() === 2)
  timeline.note(`${runningContainers()} containers run; clients begin to send ${PER_SECOND} requests a second`)
  const load = startLoad(world.proxy.url, PER_SECOND)
  const startMs = Date.now()
  await sleep(AFTERWARDS_MS)
  const primaryImages = [await podImages(world, 'podinfo-primary')]
  const primary = runningContainers()

  timeline.act(`2  ${good.version} is merged`)
  const goodMs = Date.now()
  const goodMerge = await mergeRelease(world, good)
  await wait('the canary has traffic', () => (world.mesh.changes.at(-1)?.canary ?? 0) > 0)
  const rollout = runningContainers()
  for (const line of await podLines(world)) timeline.note(line)
  await wait(`${good.version} is promoted`, () => ended(world, 'Succeeded', good.version))
  await sleep(AFTERWARDS_MS)
  primaryImages.push(await podImages(world, 'podinfo-primary'))

  timeline.act(`3  ${bad.version} is merged: it answers ${bad.failPercent} of 100 requests with an error`)
  const fileBefore = await repository.read(DEPLOYMENT_PATH)
  const badMs = Date.now()
  const badMerge = await mergeRelease(world, bad)
  await wait(`${bad.version} has failed`, () => ended(world, 'Failed', good.version))
  const isReverted = async (): Promise<boolean> => (await repository.read(DEPLOYMENT_PATH)) === fileBefore
  await wait('main is reverted', isReverted)
  await sleep(AFTERWARDS_MS)
  primaryImages.push(await podImages(world, 'podinfo-primary'))
  const endMs = Date.now()
  await load.stop()
  return {
    first: { release: first.version, what: 'primary alone', fromMs: startMs, toMs: goodMs },
    good: { release: good.version, what: 'merged, pods start', fromMs: goodMs, toMs: badMs, merge: goodMerge },
    bad: { release: bad.version, what: 'merged, pods start', fromMs: badMs, toMs: endMs, merge: badMerge, fileBefore },
    answers: load.answers,
    marks: marksOf(world),
    containers: { primary, rollout },
    primaryImages,
  }
}

async function mergeRelease({ repository, timeline }: World, { version }: Release): Promise<string> {
  const merge = await repository.merge(`Bump podinfo to ${version}`, DEPLOYMENT_PATH, deployment(version))
  timeline.person(`ada merges it as ${merge.slice(0, 8)}`)
  return merge
}

/** The release has ended, the primary's pods are of a version, and the target has none. */
async function ended(world: World, wanted: string, version: string): Promise<boolean> {
  if ((await phase(world)) !== wanted || (await podImages(world, 'podinfo')).length > 0) return false
  const images = await podImages(world, 'podinfo-primary')
  return images.length === 2 && images.every((image) => image === imageOf(version))
}

async function phase({ client }: World): Promise<string | undefined> {
  const ref = { apiVersion: 'flagger.app/v1beta1', kind: 'Canary', namespace: 'test', name: 'podinfo' }
  return stringAt(await client.get(ref), 'status', 'phase')
}

/** The images of all pods of a Deployment, from what the kubelet reports of their containers. */
async function podImages({ client }: World, app: string): Promise<readonly string[]> {
  const options = { namespace: 'test', labelSelector: `app=${app}` }
  const { items } = await client.list({ apiVersion: 'v1', kind: 'Pod' }, options)
  return items.flatMap((pod) => {
    const statuses = at(pod, 'status', 'containerStatuses')
    const list: readonly unknown[] = Array.isArray(statuses) ? statuses : []
    return list.length === 0 ? ['none yet'] : list.filter(isObject).map((one) => stringAt(one, 'image') ?? 'unknown')
  })
}

/** Each pod with its address, and its container as containerd knows it. */
async function podLines({ client }: World): Promise<readonly string[]> {
  const { items } = await client.list({ apiVersion: 'v1', kind: 'Pod' }, { namespace: 'test' })
  return items.map((pod) => {
    const container = stringAt(pod, 'status', 'containerStatuses', 0, 'containerID')?.replace('containerd://', '') ?? ''
    const image = stringAt(pod, 'spec', 'containers', 0, 'image') ?? ''
    return `${pod.metadata.name.padEnd(34)} ${(stringAt(pod, 'status', 'podIP') ?? '').padEnd(11)} ${image} ${container.slice(0, 12)}`
  })
}

/** What Serin did that shows in the answers, besides the weights. */
function marksOf({ sentences }: World): readonly Mark[] {
  return sentences.flatMap(({ atMs, text }) => {
    if (text.startsWith('Copying podinfo.test template spec')) return [{ atMs, what: 'primary replaced' }]
    if (text.startsWith('Promotion completed!')) return [{ atMs, what: 'promoted' }]
    return []
  })
}

/** The replicas that a Deployment asks for. */
export async function replicasOf({ client }: World, name: string): Promise<number | undefined> {
  const object = await client.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'test', name })
  return numberAt(object, 'spec', 'replicas')
}

async function answersWell(url: string): Promise<boolean> {
  const response = await fetch(url)
  await response.arrayBuffer()
  return response.status === 200
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
