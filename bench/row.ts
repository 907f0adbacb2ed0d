import { performance } from 'node:perf_hooks'

/** One line of the report: a figure, and what it is held against in the same run. */
export interface Row {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What the figure is compared with, measured in the same run, with its own value and unit; absent for a count that stands alone. */
  readonly against?: string
  /** How many times the other figure this one is. */
  readonly ratio?: number
}

/** One thing that can be measured. */
export interface Measurement {
  /** As the command line names it. */
  readonly name: string
  readonly description: string
  /** Starts what it needs and ends all of it. */
  measure(): Promise<readonly Row[]>
}

/** A row with its ratio to another figure of the same unit. */
export function row(
  name: string,
  value: number,
  unit: string,
  other?: { readonly name: string; readonly value: number },
): Row {
  if (other === undefined) return { name, value, unit }
  return {
    name,
    value,
    unit,
    against: `${other.name}: ${formatNumber(other.value)} ${unit}`,
    ratio: value / other.value,
  }
}

/** How long a task takes, in milliseconds. */
export async function timedMs(task: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await task()
  return performance.now() - start
}

/** The median of a task's durations in milliseconds; each run is told its number. */
export async function medianMs(runs: number, task: (run: number) => Promise<unknown>): Promise<number> {
  const durations: number[] = []
  for (let run = 0; run < runs; run += 1) durations.push(await timedMs(() => task(run)))
  return median(durations)
}

/** The middle value; the mean of the two in the middle where the count is even. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const high = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? high : (high + (sorted[middle - 1] ?? Number.NaN)) / 2
}

/** Whole numbers from 10 on, one decimal below, two below 1. */
export function formatNumber(value: number): string {
  if (value === 0) return '0'
  if (Math.abs(value) >= 9.95) return Math.round(value).toLocaleString('en')
  return value.toFixed(Math.abs(value) >= 0.995 ? 1 : 2)
}
