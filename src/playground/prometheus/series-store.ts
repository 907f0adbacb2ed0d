/** The labels of a series; `__name__` is the metric's name. */
export type Labels = Readonly<Record<string, string>>

/** Samples of one series, oldest first; `times` in milliseconds since the epoch, strictly rising. */
export interface Samples {
  readonly labels: Labels
  readonly times: readonly number[]
  readonly values: readonly number[]
  /** When the series was last seen to be gone from its source; undefined while it is alive. */
  readonly endedAtMs: number | undefined
}

interface Series {
  readonly labels: Labels
  times: number[]
  values: number[]
  endedAtMs: number | undefined
  /** No longer in the store: whoever wants to append makes a new one. */
  dropped: boolean
}

/** What appends to one series. */
export interface SeriesWriter {
  /** Appends a sample; one that is not later than the last is dropped, as Prometheus does with samples out of order. */
  append(timeMs: number, value: number): void
  /** Says that the source no longer shows the series: instant queries leave it out from then on. */
  end(timeMs: number): void
}

const compactAfter = 256

/**
 * Samples in memory, as a Prometheus keeps them. What is older than `retentionMs` goes away, a little at a time, so that memory
 * stays bounded however long it runs.
 */
export class SeriesStore {
  readonly retentionMs: number
  private readonly byName = new Map<string, Map<string, Series>>()

  constructor(retentionMs: number) {
    this.retentionMs = retentionMs
  }

  /** The writer of the series with these labels; the same labels are the same series. */
  writer(labels: Labels): SeriesWriter {
    let series: Series | undefined
    const current = (): Series => {
      if (series === undefined || series.dropped) series = this.series(labels)
      return series
    }
    return {
      append: (timeMs, value) => this.append(current(), timeMs, value),
      end: (timeMs) => {
        if (series !== undefined && !series.dropped) series.endedAtMs = timeMs
      },
    }
  }

  /** All series of a metric name, or of every name when it is undefined. */
  select(name: string | undefined): readonly Samples[] {
    if (name !== undefined) return [...(this.byName.get(name)?.values() ?? [])]
    return [...this.byName.values()].flatMap((group) => [...group.values()])
  }

  /** Drops the series that ended longer than the retention ago. */
  sweep(nowMs: number): void {
    for (const [name, group] of this.byName) {
      for (const [key, series] of group) {
        if ((series.times.at(-1) ?? -Infinity) >= nowMs - this.retentionMs) continue
        series.dropped = true
        group.delete(key)
      }
      if (group.size === 0) this.byName.delete(name)
    }
  }

  private series(labels: Labels): Series {
    const name = labels['__name__'] ?? ''
    const key = labelKey(labels)
    const group = this.byName.get(name) ?? new Map<string, Series>()
    this.byName.set(name, group)
    const known = group.get(key)
    if (known !== undefined) return known
    const made: Series = { labels, times: [], values: [], endedAtMs: undefined, dropped: false }
    group.set(key, made)
    return made
  }

  private append(series: Series, timeMs: number, value: number): void {
    if (timeMs <= (series.times.at(-1) ?? -Infinity)) return
    series.times.push(timeMs)
    series.values.push(value)
    series.endedAtMs = undefined
    const first = timeMs - this.retentionMs
    if ((series.times[compactAfter] ?? Infinity) >= first) return
    const keep = firstAfter(series.times, first - 1)
    series.times = series.times.slice(keep)
    series.values = series.values.slice(keep)
  }
}

/** The index of the first time that is later than `timeMs`. */
export function firstAfter(times: readonly number[], timeMs: number): number {
  let low = 0
  let high = times.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((times[middle] ?? Infinity) > timeMs) high = middle
    else low = middle + 1
  }
  return low
}

/** A text that is the same for the same labels. */
export function labelKey(labels: Labels): string {
  return Object.keys(labels)
    .toSorted()
    .map((name) => `${name}\u0000${labels[name] ?? ''}`)
    .join('\u0001')
}
