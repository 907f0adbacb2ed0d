import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { destination, pino } from 'pino'
import type { Commit } from '../../git/types.ts'
import { Problem } from '../../lib/problem.ts'
import { requireGitServer } from '../../playground/require-git-server.ts'
import { check } from '../demo/check.ts'
import { Observer } from '../demo/observer.ts'
import { startDemoStage, type DemoStage } from '../demo/stage.ts'
import { tell } from '../demo/story.ts'
import { exitOnSignals, temporaryFolder } from '../demo/temporary-folder.ts'
import { createTimeline, type Timeline } from '../demo/timeline.ts'
import { exitCodes } from '../exit-codes.ts'
import { startSerin, type SerinProcess } from '../serin-process.ts'

/**
 * `serin demo`: the whole story on this machine, with the reconciler that `serin run` starts. Exit status 1 when what
 * happened is not what should have.
 */
export async function demo(options: { readonly out?: string; readonly serve?: boolean }): Promise<number> {
  await requireGitServer()
  const directory = options.out === undefined ? await temporaryFolder('serin-demo-') : await emptyFolder(options.out)
  const release = exitOnSignals()
  const timeline = createTimeline(process.stdout)
  const stage = await startDemoStage(directory)
  const observer = new Observer(stage.cluster, stage.config.repository.url, join(directory, 'observer'))
  let serin: SerinProcess | undefined
  try {
    serin = await startSerin({
      config: stage.config,
      kubeconfigPath: stage.kubeconfigPath,
      context: undefined,
      log: pino({ level: 'debug' }, destination({ dest: join(directory, 'serin.log'), sync: false })),
      onSentence: (_key, sentence, commit) => timeline.serin(sentence, commit),
    })
    introduce(stage, directory, timeline)
    const told = await tell(stage, observer, timeline)
    await settle()
    await printLogs(observer, timeline)
    timeline.plain('\nWhat Git and the cluster say now')
    const claims = await check(told, observer, stage.forge)
    for (const { holds, text } of claims) timeline.claim(holds, text)
    await keepComments(stage, directory)
    release()
    if (options.serve === true) await serve(stage, timeline)
    return claims.every(({ holds }) => holds) ? exitCodes.done : exitCodes.no
  } finally {
    await serin?.stop()
    await observer.close()
    await stage.close()
    if (options.out !== undefined) {
      timeline.plain(`\nKept in ${directory}: fleet.git, serin.log, the comments in pull-requests/`)
    }
  }
}

/** A folder that may be filled. Rejects with a Problem when there is something in it: it may be worth keeping. */
async function emptyFolder(path: string): Promise<string> {
  const directory = resolve(path)
  const failed = (message: string, hint?: string): Problem =>
    new Problem({ kind: 'stalled', code: 'USAGE', place: `--out ${path}`, message, hint })
  const entries = await mkdir(directory, { recursive: true })
    .then(() => readdir(directory))
    .catch((error: unknown) => {
      throw failed(`can not be used (${error instanceof Error && 'code' in error ? String(error.code) : 'failed'})`)
    })
  if (entries.length > 0) throw failed('is not empty', 'name a new folder')
  return directory
}

function introduce(stage: DemoStage, directory: string, timeline: Timeline): void {
  timeline.plain(
    'A repository, a forge, a cluster with traffic, a Prometheus: all on this machine. Serin is the real one.',
  )
  timeline.note(`forge       ${stage.forge.repositoryUrl}`)
  timeline.note(`repository  ${stage.config.repository.url}`)
  timeline.note(`cluster     ${stage.clusterUrl}`)
  timeline.note(`log         ${join(directory, 'serin.log')}`)
}

const QUIET_MS = 1500

/** The comments follow the releases by a moment. */
function settle(): Promise<void> {
  return new Promise((done) => setTimeout(done, QUIET_MS))
}

async function printLogs(observer: Observer, timeline: Timeline): Promise<void> {
  const line = (commit: Commit): string => `  ${commit.oid.slice(0, 8)} ${commit.message.split('\n', 1)[0] ?? ''}`
  for (const [branch, name] of [
    ['main', 'main'],
    ['ledger', 'serin/demo'],
  ] as const) {
    timeline.plain(`\ngit log --oneline ${name}`)
    for (const commit of (await observer.log(branch)).toReversed()) timeline.plain(line(commit))
  }
}

async function keepComments(stage: DemoStage, directory: string): Promise<void> {
  const folder = join(directory, 'pull-requests')
  await mkdir(folder, { recursive: true })
  for (const { number } of stage.forge.pulls()) {
    const text = stage.forge.comments(number).map(({ body }) => body)
    await writeFile(join(folder, `${number}.md`), `${text.join('\n\n---\n\n')}\n`)
  }
}

async function serve(stage: DemoStage, timeline: Timeline): Promise<void> {
  timeline.plain('\nStaying up; Ctrl-C ends it. In another terminal:')
  timeline.plain(`  export KUBECONFIG=${stage.kubeconfigPath}`)
  timeline.plain('  kubectl -n test get canaries')
  timeline.plain('  kubectl -n test describe canary/podinfo')
  timeline.plain(`  git clone ${stage.config.repository.url}`)
  timeline.plain(`  ${stage.forge.repositoryUrl}`)
  const alive = setInterval(() => {}, 60_000)
  await new Promise<void>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done())
  })
  clearInterval(alive)
}
