import type { Answer } from './load.ts'

/** What share of requests succeeded, in percent, as far as clients can tell. */
export interface SuccessSeen {
  readonly least: number
  readonly most: number
  /** How many requests it is about, at most. */
  readonly requests: number
}

/**
 * What clients saw of the requests that Prometheus counts between its first and its last scrape of a window. A request is
 * counted at some time between its start and its end, and a scrape takes up to `scrapeMs`: the requests that may fall on
 * either side of either scrape are taken once for and once against.
 */
export function successSeen(answers: readonly Answer[], scrapes: readonly number[], scrapeMs: number): SuccessSeen {
  const [first, last] = [scrapes[0] ?? Number.NaN, scrapes.at(-1) ?? Number.NaN]
  const certain = answers.filter(({ startMs, endMs }) => startMs > first + scrapeMs && endMs < last)
  const possible = answers.filter(({ startMs, endMs }) => endMs >= first && startMs <= last + scrapeMs)
  const good = certain.filter(isGood).length
  const doubtfulGood = possible.filter(isGood).length - good
  const doubtfulBad = possible.length - certain.length - doubtfulGood
  return {
    least: (good / (certain.length + doubtfulBad)) * 100,
    most: ((good + doubtfulGood) / (certain.length + doubtfulGood)) * 100,
    requests: possible.length,
  }
}

function isGood({ status }: Answer): boolean {
  return status < 500
}
