import type { ApiRequest, KubeTransport, WatchAnswer, WatchLine } from '../../cluster/transport.ts'
import type { GitBranch } from '../../git/types.ts'
import type { Clock } from '../../lib/clock.ts'
import type { MetricsPort } from '../../metrics/port.ts'
import type { Spool } from '../../reconciler/ports.ts'
import type { Life } from './life.ts'

/** One call of a process to the outside. */
export interface OutsideCall {
  /** Number of the process, from 1 in the order of starting. */
  readonly process: number
  readonly to: 'api' | 'watch' | 'git' | 'spool' | 'metrics'
  /** What is asked, for a trace: `PATCH /apis/…`, `push serin/default`. */
  readonly text: string
}

/**
 * What becomes of the process that makes a call.
 * - `die`: it is killed before the call leaves, after it was answered, or while the call is under way, which then arrives
 *   after the process's death.
 * - `pause`: it stands still before or after the call.
 * - `slow`: the call takes its time.
 */
export type Fate =
  | { readonly kind: 'pass' }
  | { readonly kind: 'die'; readonly when: 'before' | 'after' }
  | { readonly kind: 'die'; readonly when: 'underway'; readonly arrivesMs: number }
  | { readonly kind: 'pause'; readonly when: 'before' | 'after'; readonly ms: number }
  | { readonly kind: 'slow'; readonly ms: number }

export interface OutsideOptions {
  readonly life: Life
  readonly process: number
  /** The world's clock, which goes on when the process does not. */
  readonly clock: Clock
  readonly fateOf: (call: OutsideCall) => Fate
}

/** The outside of one process: every call goes through its life and may be its last. */
export interface Outside {
  transport(transport: KubeTransport): KubeTransport
  branch(branch: GitBranch): GitBranch
  spool(spool: Spool): Spool
  metrics(port: MetricsPort): MetricsPort
}

/** Wraps what a process uses of the world. */
export function outsideOf(options: OutsideOptions): Outside {
  const call = <T>(to: OutsideCall['to'], text: string, perform: () => Promise<T>): Promise<T> =>
    callOutside({ process: options.process, to, text }, perform, options)
  return {
    transport: (transport) => ({
      send: (request) => call('api', textOf(request), () => transport.send(request)),
      watch: (request) => call('watch', textOf(request), () => openWatch(transport, request, options.life)),
    }),
    branch: (branch) => mortalBranch(branch, call),
    spool: (spool) => ({
      put: (key, text) => call('spool', `put ${key}`, () => spool.put(key, text)),
      remove: (key) => call('spool', `remove ${key}`, () => spool.remove(key)),
      all: () => call('spool', 'all', () => spool.all()),
    }),
    metrics: (port) => ({
      query: (request, signal) => call('metrics', request.promql, () => port.query(request, signal)),
    }),
  }
}

type Caller = <T>(to: OutsideCall['to'], text: string, perform: () => Promise<T>) => Promise<T>

/** Only what speaks to the server leaves the process; the rest is read from the clone. */
function mortalBranch(branch: GitBranch, call: Caller): GitBranch {
  return {
    name: branch.name,
    tip: () => call('git', `tip ${branch.name}`, () => branch.tip()),
    fetch: (tip) => call('git', `fetch ${branch.name} ${tip.slice(0, 7)}`, () => branch.fetch(tip)),
    deepen: (commit) => call('git', `deepen ${branch.name} ${commit.slice(0, 7)}`, () => branch.deepen(commit)),
    push: (expected, next) =>
      call('git', `push ${branch.name} ${expected?.slice(0, 7) ?? 'new'}..${next.slice(0, 7)}`, () =>
        branch.push(expected, next),
      ),
    commit: (oid) => branch.commit(oid),
    between: (from, to) => branch.between(from, to),
    files: (commit, folders) => branch.files(commit, folders),
    changedPaths: (a, b) => branch.changedPaths(a, b),
    text: (blob) => branch.text(blob),
    read: (commit, path) => branch.read(commit, path),
    make: (request) => branch.make(request),
  }
}

async function callOutside<T>(
  call: OutsideCall,
  perform: () => Promise<T>,
  { life, clock, fateOf }: OutsideOptions,
): Promise<T> {
  await life.whenRunning()
  const fate = fateOf(call)
  if (fate.kind === 'slow') await clock.sleep(fate.ms)
  if (fate.kind === 'pause' && fate.when === 'before') pauseFor(life, clock, fate.ms)
  if (fate.kind === 'die' && fate.when !== 'after') life.kill()
  if (fate.kind === 'die' && fate.when === 'underway') {
    // Nobody is left to be told how it went.
    clock.after(fate.arrivesMs, () => void perform().catch(() => undefined))
  }
  await life.whenRunning()
  try {
    return await perform()
  } finally {
    if (fate.kind === 'die') life.kill()
    if (fate.kind === 'pause' && fate.when === 'after') pauseFor(life, clock, fate.ms)
    await life.whenRunning()
  }
}

function pauseFor(life: Life, clock: Clock, ms: number): void {
  life.pause()
  clock.after(ms, () => life.resume())
}

async function openWatch(transport: KubeTransport, request: ApiRequest, life: Life): Promise<WatchAnswer> {
  const connection = new AbortController()
  const cut = (): void => connection.abort(new Error('the connection broke'))
  request.signal?.addEventListener('abort', cut, { once: true })
  const answer = await transport.watch({ ...request, signal: connection.signal })
  if (answer.kind === 'refused') return answer
  life.opened(cut)
  return { kind: 'stream', lines: alive(answer.lines, life) }
}

async function* alive(lines: AsyncIterable<WatchLine>, life: Life): AsyncGenerator<WatchLine> {
  try {
    for await (const line of lines) {
      await life.whenRunning()
      yield line
    }
  } finally {
    await life.whenRunning()
  }
}

function textOf({ method, path }: ApiRequest): string {
  return `${method} ${path.split('?', 1)[0]}`
}
