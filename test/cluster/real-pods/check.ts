import type { Claim } from '../../../src/cli/demo/check.ts'
import { numberAt } from '../../../src/lib/json.ts'
import { ANALYSIS, DEPLOYMENT_PATH } from './fleet.ts'
import { fence } from './fence.ts'
import { imageOf } from './images.ts'
import { followsWeight, isError, isOfCanary, type Act, type Row } from './measure.ts'
import { ofRevision, type LoggedCommit } from './repository.ts'
import { replicasOf, type Told } from './story.ts'
import { LEDGER } from './serin.ts'
import type { World } from './world.ts'

/** Holds what happened, as clients, containers, Git and Prometheus tell it, against what should have. */
export async function check(
  world: World,
  told: Told,
  rows: readonly Row[],
  exitCode: number | null,
): Promise<readonly Claim[]> {
  const ledger = await world.repository.log(LEDGER)
  const main = await world.repository.log('main')
  return [
    ...initialisation(told, rows, ledger),
    ...promotion(world, told, rows, ledger),
    ...fence(world, told, ledger),
    ...(await rollback(world, told, rows, ledger, main)),
    ...(await everywhere(world, told, exitCode)),
  ]
}

function initialisation(told: Told, rows: readonly Row[], ledger: readonly LoggedCommit[]): Claim[] {
  const [row] = rows
  const { containers, primaryImages, first } = told
  return [
    {
      holds: ledger.some(({ subject }) => subject === 'Initialization done! podinfo.test'),
      text: 'podinfo was initialised, and the ledger says so',
    },
    {
      holds: containers.primary === 2 && isAll(primaryImages[0], first.release),
      text: `the primary runs ${first.release} in 2 real containers, the target in none (${containers.primary} run)`,
    },
    {
      holds: row !== undefined && row.requests > 0 && row.weight === 0 && row.errors === 0 && row.canary === 0,
      text: `the primary alone answered ${row?.requests ?? 0} requests`,
    },
  ]
}

function promotion(
  world: World,
  { good, ...told }: Told,
  rows: readonly Row[],
  ledger: readonly LoggedCommit[],
): Claim[] {
  const own = rows.filter(({ release }) => release === good.release)
  const run = subjects(ofRevision(ledger, good.merge))
  const recorded = run.flatMap((subject) => /canary weight (\d+)$/.exec(subject)?.[1] ?? [])
  const followed = weightsIn(world, good).filter((weight) => weight > 0)
  const requests = own.reduce((sum, row) => sum + row.requests, 0)
  const errors = own.reduce((sum, row) => sum + row.errors, 0)
  const last = told.answers.filter(({ startMs }) => startMs >= good.toMs - 3000 && startMs < good.toMs)
  return [
    {
      holds: recorded.join(' ') === '10 20 30 40 50' && followed.join(' ') === recorded.join(' '),
      text: `${good.release} went ${recorded.join(' ')} in the ledger, and ${followed.join(' ')} in the proxy`,
    },
    {
      holds: own.every(followsWeight),
      text: 'at each weight the canary got that share of the requests, within 1 % of them and 2 more',
    },
    {
      holds: told.containers.rollout === 4,
      text: `4 real containers served while it was released (${told.containers.rollout} ran)`,
    },
    {
      holds: errors === 0 && requests > 0,
      text: `none of ${requests} requests failed while it was released, promoted and its pods replaced (${errors} did)`,
    },
    {
      holds:
        run.at(-1) === 'Promotion completed! Scaling down podinfo.test' && isAll(told.primaryImages[1], good.release),
      text: `${good.release} was promoted: both containers of the primary run it, and the ledger says so`,
    },
    {
      holds: last.length > 0 && last.every((one) => one.version === good.release && !isOfCanary(one)),
      text: `after that, every one of ${last.length} answers came from ${good.release} on the primary`,
    },
  ]
}

async function rollback(
  world: World,
  { bad, good, ...told }: Told,
  rows: readonly Row[],
  ledger: readonly LoggedCommit[],
  main: readonly LoggedCommit[],
): Promise<Claim[]> {
  const own = rows.filter(({ release }) => release === bad.release)
  const run = subjects(ofRevision(ledger, bad.merge))
  const rates = run.flatMap(
    (subject) => /^Halt podinfo\.test advancement success rate ([\d.]+)% < 99%$/.exec(subject)?.[1] ?? [],
  )
  const weights = weightsIn(world, bad)
  const answers = told.answers.filter(({ startMs }) => startMs >= bad.fromMs && startMs < bad.toMs)
  const failed = answers.filter(isError)
  const zeroMs = world.mesh.changes.findLast(({ atMs }) => atMs < bad.toMs)?.atMs ?? 0
  const after = answers.filter((one) => one.startMs > zeroMs && isOfCanary(one))
  const reverts = main.filter(({ author }) => author === 'Serin')
  return [
    {
      holds: weights.join(' ') === `${ANALYSIS.stepWeight} 0` && rates.length === ANALYSIS.threshold,
      text: `${bad.release} got weight ${weights.join(', then ')} and was halted ${rates.length} times (success rate ${rates.join(' %, ')} %)`,
    },
    {
      holds: run.includes(`Rolling back podinfo.test failed checks threshold reached ${ANALYSIS.threshold}`),
      text: 'it was rolled back at the threshold, and the ledger says so',
    },
    {
      holds: own.every(followsWeight),
      text: 'meanwhile the canary got the share that its weight says',
    },
    {
      holds: failed.length > 0 && failed.every((one) => one.version === bad.release && one.status === 500),
      text: `users saw ${failed.length} errors in ${answers.length} requests, all from ${bad.release} (${percent(failed.length, answers.length)})`,
    },
    {
      holds: after.length <= 2,
      text: `${after.length} requests reached it after its weight was 0`,
    },
    {
      holds:
        reverts.length === 1 &&
        reverts[0]?.subject.startsWith('Revert "') === true &&
        reverts[0].message.includes(`This reverts commit ${bad.merge}`) &&
        (await world.repository.read(DEPLOYMENT_PATH)) === bad.fileBefore,
      text: `main is as it was before, by a commit of Serin's: ${reverts[0]?.subject ?? 'none'}`,
    },
    {
      holds: isAll(told.primaryImages[2], good.release) && (await replicasOf(world, 'podinfo')) === 0,
      text: `the primary still runs ${good.release}, and the target is at zero`,
    },
  ]
}

async function everywhere(world: World, { answers }: Told, exitCode: number | null): Promise<Claim[]> {
  // One scrape more has the last requests too.
  await new Promise((resolve) => setTimeout(resolve, 2500))
  const [counted, failed] = [
    await ask(world.prometheusUrl, 'sum(istio_requests_total)'),
    await ask(world.prometheusUrl, 'sum(istio_requests_total{response_code="500"})'),
  ]
  const errors = answers.filter(isError).length
  return [
    {
      // The one more is the story's own, before the clients began.
      holds: counted - answers.length >= 1 && counted - answers.length <= 5 && failed === errors,
      text: `Prometheus counted what clients saw: ${counted} requests of ${answers.length}, ${failed} errors of ${errors}`,
    },
    {
      holds: world.mesh.problems.length === 0,
      text: `the proxy took every change (${world.mesh.problems[0] ?? 'no problem'})`,
    },
    { holds: exitCode === 0, text: `Serin ended when it was told to, with exit status ${exitCode ?? 'none'}` },
  ]
}

async function ask(url: string, query: string): Promise<number> {
  const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`)
  const body: unknown = await response.json()
  const sample: unknown = (body as { data?: { result?: { value?: unknown[] }[] } }).data?.result?.[0]?.value?.[1]
  return numberAt([Number(sample)], 0) ?? Number.NaN
}

/** The weights that the proxy took in an act, in their order. */
function weightsIn({ mesh }: World, act: Act): readonly number[] {
  return mesh.changes.filter(({ atMs }) => atMs > act.fromMs && atMs < act.toMs).map(({ canary }) => canary)
}

function subjects(commits: readonly LoggedCommit[]): readonly string[] {
  return commits.map(({ subject }) => subject)
}

function isAll(images: readonly string[] | undefined, version: string): boolean {
  return images !== undefined && images.length === 2 && images.every((image) => image === imageOf(version))
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '0 %' : `${((part / whole) * 100).toFixed(2)} %`
}
