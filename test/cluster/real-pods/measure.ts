import type { Answered } from './load.ts'
import type { WeightChange } from './mesh.ts'

/** What clients got while the proxy divided their requests in one way. */
export interface Row {
  readonly release: string
  /** What begins with it, where more than the weight does. */
  readonly what: string
  readonly weight: number
  readonly fromMs: number
  readonly toMs: number
  readonly requests: number
  /** Answered by pods of the canary, not of the primary. */
  readonly canary: number
  /** Answered by the version that is being released. */
  readonly released: number
  /** Not answered with 200. */
  readonly errors: number
}

/** A moment at which something other than the weight changed. */
export interface Mark {
  readonly atMs: number
  readonly what: string
}

/** A stretch of time in which one version was released. */
export interface Act {
  readonly release: string
  readonly what: string
  readonly fromMs: number
  readonly toMs: number
}

/**
 * One row for each stretch of an act in which neither the weight nor anything marked changed. A request belongs to the
 * stretch in which it was sent.
 */
export function rowsOf(
  act: Act,
  changes: readonly WeightChange[],
  marks: readonly Mark[],
  answers: readonly Answered[],
): readonly Row[] {
  const weightAt = (ms: number): number => changes.findLast(({ atMs }) => atMs <= ms)?.canary ?? 0
  const isWithin = ({ atMs }: { readonly atMs: number }): boolean => atMs > act.fromMs && atMs < act.toMs
  const starts = [
    { atMs: act.fromMs, what: act.what },
    ...marks.filter(isWithin),
    ...changes.filter(isWithin).map(({ atMs }) => ({ atMs, what: '' })),
  ].toSorted((one, other) => one.atMs - other.atMs)
  return starts.map(({ atMs, what }, index) => {
    const toMs = starts[index + 1]?.atMs ?? act.toMs
    const sent = answers.filter(({ startMs }) => startMs >= atMs && startMs < toMs)
    return {
      release: act.release,
      what,
      weight: weightAt(atMs),
      fromMs: atMs,
      toMs,
      requests: sent.length,
      canary: sent.filter(isOfCanary).length,
      released: sent.filter(({ version }) => version === act.release).length,
      errors: sent.filter(isError).length,
    }
  })
}

/** Pods of the primary are named after its Deployment. */
export function isOfCanary({ pod }: Answered): boolean {
  return pod !== '' && !pod.startsWith('podinfo-primary-')
}

export function isError({ status }: Answered): boolean {
  return status !== 200
}

/**
 * Whether the share that was seen is the weight: round robin by weight is exact, so only the requests that were under
 * way at either end of the stretch may be counted wrongly.
 */
export function followsWeight({ weight, requests, canary }: Row): boolean {
  return Math.abs(canary - (requests * weight) / 100) <= 2 + requests / 100
}

/** The rows as a table of Markdown. */
export function tableOf(rows: readonly Row[], startMs: number): string {
  const head = ['release', '', 'from', 'seconds', 'weight', 'requests', 'by canary', 'share', 'by release', 'errors']
  const cells = rows.map((row) => [
    row.release,
    row.what,
    `${((row.fromMs - startMs) / 1000).toFixed(1)} s`,
    ((row.toMs - row.fromMs) / 1000).toFixed(1),
    `${row.weight} %`,
    String(row.requests),
    String(row.canary),
    percent(row.canary, row.requests),
    percent(row.released, row.requests),
    String(row.errors),
  ])
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    `| ${row.map((text, column) => (column < 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0))).join(' | ')} |`
  const rule = `| ${widths.map((width, column) => (column < 2 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [line(head), rule, ...cells.map(line)].join('\n')
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '' : `${((part / whole) * 100).toFixed(2)} %`
}
