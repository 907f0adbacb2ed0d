import { deployment, paths } from './files.ts'
import type { Observer } from './observer.ts'
import type { DemoStage } from './stage.ts'
import type { Timeline } from './timeline.ts'

/** What the story did, for the check at its end. */
export interface Told {
  readonly promoted: { readonly pull: number; readonly merge: string }
  readonly failed: { readonly pull: number; readonly merge: string; readonly before: string | null }
  readonly reverted: { readonly pull: number; readonly merge: string; readonly revert: string }
  readonly interrupted: {
    readonly pull: number
    readonly merge: string
    readonly weight: number
    /** Milliseconds from the person's push to all traffic on the primary. */
    readonly safeAfterMs: number
  }
}

const PATIENCE_MS = 60_000
const PERSON = 'ada'

/** Plays the story, act by act, as people would on a forge. Rejects when something does not happen in time. */
export async function tell(stage: DemoStage, observer: Observer, timeline: Timeline): Promise<Told> {
  timeline.act('1  Serin takes podinfo over')
  await observer.until('podinfo is initialised', PATIENCE_MS, () => observer.phase() === 'Initialized')
  await observer.until('the target is at zero', PATIENCE_MS, () => observer.replicasOf('podinfo') === 0)

  timeline.act('2  A pull request bumps the image and is merged')
  const promoted = await merge(stage, timeline, 'Bump podinfo to 6.0.1', deployment('6.0.1'))
  await ended(observer, 'Succeeded', '6.0.1')

  timeline.act('3  The next version answers every other request with an error')
  const before = await observer.read(paths.deployment)
  const failed = await merge(stage, timeline, 'Bump podinfo to 6.0.2', deployment('6.0.2', 0.5))
  await observer.until('the release has failed', PATIENCE_MS, () => observer.phase() === 'Failed')
  await observer.until('main is reverted', PATIENCE_MS, async () => (await observer.read(paths.deployment)) === before)

  timeline.act('4  A good version is promoted, and then a person changes their mind')
  const reverted = await merge(stage, timeline, 'Bump podinfo to 6.0.3', deployment('6.0.3'))
  await ended(observer, 'Succeeded', '6.0.3')
  const revert = await stage.forge.revert(reverted.pull, PERSON)
  timeline.person(`${PERSON} reverts the merge on main`)
  await ended(observer, 'Succeeded', '6.0.1')

  timeline.act('5  A merge is reverted in the middle of its rollout')
  const interrupted = await merge(stage, timeline, 'Bump podinfo to 6.0.4', deployment('6.0.4'))
  await observer.until('the canary has traffic', PATIENCE_MS, () => observer.canaryWeight() >= 20)
  const weight = observer.canaryWeight()
  const startMs = Date.now()
  timeline.person(`${PERSON} reverts the merge at weight ${weight}`)
  await stage.forge.revert(interrupted.pull, PERSON)
  await observer.until('all traffic is on the primary', PATIENCE_MS, () => observer.canaryWeight() === 0)
  const safeAfterMs = Date.now() - startMs
  timeline.note(`all traffic is on the primary ${safeAfterMs} ms after the push began`)
  await observer.until('the rollout has ended', PATIENCE_MS, () => observer.phase() === 'Failed')
  await observer.until('the canary is at zero', PATIENCE_MS, () => observer.replicasOf('podinfo') === 0)

  return {
    promoted,
    failed: { ...failed, before },
    reverted: { ...reverted, revert },
    interrupted: { ...interrupted, weight, safeAfterMs },
  }
}

async function merge(
  stage: DemoStage,
  timeline: Timeline,
  title: string,
  text: string,
): Promise<{ readonly pull: number; readonly merge: string }> {
  const { number, url } = await stage.forge.openPullRequest({
    title,
    author: PERSON,
    files: { [paths.deployment]: text },
  })
  timeline.person(`${PERSON} opens pull request #${number} "${title}"  ${url}`)
  const commit = await stage.forge.merge(number, { by: PERSON })
  timeline.person(`${PERSON} merges #${number} as ${commit.slice(0, 8)}`)
  return { pull: number, merge: commit }
}

async function ended(observer: Observer, phase: string, tag: string): Promise<void> {
  const holds = (): boolean =>
    observer.phase() === phase && observer.tagOf('podinfo-primary') === tag && observer.replicasOf('podinfo') === 0
  await observer.until(`${tag} is on the primary and the rollout has ended as ${phase}`, PATIENCE_MS, holds)
}
