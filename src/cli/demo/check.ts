import type { Commit } from '../../git/types.ts'
import type { PlaygroundForge } from '../../playground/forge/forge.ts'
import { paths } from './files.ts'
import type { Observer } from './observer.ts'
import type { Told } from './story.ts'

/** One thing that should be true at the end. */
export interface Claim {
  readonly holds: boolean
  readonly text: string
}

const SERIN = 'Serin'
const SAFE_WITHIN_MS = 1000

/** Holds what happened, as Git and the cluster tell it, against what should have. */
export async function check(told: Told, observer: Observer, forge: PlaygroundForge): Promise<readonly Claim[]> {
  const ledger = await observer.log('ledger')
  const main = await observer.log('main')
  const entry = await observer.entry()
  return [
    ...initialisation(ledger, observer),
    ...promotion(told, ledger),
    ...rollback(told, ledger, main),
    ...restoration(told, ledger),
    ...interruption(told, ledger, main),
    ...comments(told, forge),
    {
      holds: entry?.state.phase === 'Failed' && entry.promoted.before.length > 0 && entry.state.canaryWeight === 0,
      text: "the ledger's head says what the cluster shows: rolled back, no traffic on the canary",
    },
    {
      holds:
        observer.tagOf('podinfo-primary') === '6.0.1' &&
        (await observer.read(paths.deployment))?.includes(':6.0.1') === true,
      text: 'main and the primary agree on the version that serves: 6.0.1',
    },
  ]
}

function initialisation(ledger: readonly Commit[], observer: Observer): Claim[] {
  const names = new Set(observer.serviceNames())
  return [
    {
      holds: subjects(ledger).includes('Initialization done! podinfo.test'),
      text: 'podinfo was initialised, and the ledger says so',
    },
    {
      holds: ['podinfo', 'podinfo-primary', 'podinfo-canary'].every((name) => names.has(name)),
      text: 'the three Services exist',
    },
  ]
}

function promotion({ promoted }: Told, ledger: readonly Commit[]): Claim[] {
  const run = subjects(ofRevision(ledger, promoted.merge))
  const weights = run.flatMap((subject) => /canary weight (\d+)$/.exec(subject)?.[1] ?? [])
  return [
    {
      holds: weights.join(' ') === '10 20 30 40 50',
      text: `6.0.1 went 10 20 30 40 50, one ledger commit each (${weights.join(' ')})`,
    },
    {
      holds: run.at(-1) === 'Promotion completed! Scaling down podinfo.test',
      text: '6.0.1 was promoted and ended as Succeeded',
    },
  ]
}

function rollback({ failed }: Told, ledger: readonly Commit[], main: readonly Commit[]): Claim[] {
  const run = subjects(ofRevision(ledger, failed.merge))
  const halts = run.filter((subject) => /^Halt podinfo\.test advancement success rate [\d.]+% < 99%$/.test(subject))
  const reverts = main.filter((commit) => commit.author.name === SERIN)
  const revert = reverts[0]
  return [
    { holds: halts.length === 3, text: `6.0.2 was halted three times (${halts.join('; ')})` },
    {
      holds: run.includes('Rolling back podinfo.test failed checks threshold reached 3'),
      text: '6.0.2 was rolled back at the threshold',
    },
    {
      holds:
        reverts.length === 1 &&
        revert?.message.startsWith('Revert "') === true &&
        revert.message.includes(`This reverts commit ${failed.merge}`),
      text: `Serin reverted it on main, once: ${revert?.message.split('\n', 1)[0] ?? 'nothing'}`,
    },
    {
      holds: revert !== undefined && ofRevision(ledger, revert.oid).length === 0,
      text: "Serin's own commit on main started nothing",
    },
  ]
}

function restoration({ reverted }: Told, ledger: readonly Commit[]): Claim[] {
  const run = subjects(ofRevision(ledger, reverted.revert))
  return [
    {
      holds: subjects(ofRevision(ledger, reverted.merge)).at(-1) === 'Promotion completed! Scaling down podinfo.test',
      text: '6.0.3 was promoted',
    },
    {
      holds:
        run.some((subject) => subject.includes('was promoted before')) &&
        !run.some((subject) => subject.startsWith('Advance')),
      text: "a person's revert brought 6.0.1 back without an analysis, because the ledger knew it",
    },
  ]
}

function interruption({ interrupted }: Told, ledger: readonly Commit[], main: readonly Commit[]): Claim[] {
  const run = subjects(ofRevision(ledger, interrupted.merge))
  return [
    {
      holds: interrupted.safeAfterMs <= SAFE_WITHIN_MS,
      text: `all traffic left 6.0.4 within a second of its revert (${interrupted.safeAfterMs} ms, from weight ${interrupted.weight})`,
    },
    {
      holds: run.some((subject) => subject.startsWith('Rolling back podinfo.test revision reverted by')),
      text: 'the ledger says that a person reverted it',
    },
    {
      holds: main.filter((commit) => commit.author.name === SERIN).length === 1,
      text: "Serin added nothing to a person's revert",
    },
  ]
}

function comments(told: Told, forge: PlaygroundForge): Claim[] {
  return [told.promoted, told.failed, told.reverted, told.interrupted].map(({ pull }) => {
    const count = forge.comments(pull).length
    return { holds: count === 1, text: `pull request #${pull} has one comment, edited in place (${count})` }
  })
}

/** The transitions of one revision, by the trailers of the ledger's commits. */
function ofRevision(ledger: readonly Commit[], commit: string): readonly Commit[] {
  return ledger.filter(({ message }) => message.includes(`\nRevision: ${commit}\n`))
}

function subjects(commits: readonly Commit[]): readonly string[] {
  return commits.map(({ message }) => message.split('\n', 1)[0] ?? '')
}
