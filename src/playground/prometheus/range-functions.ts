/** Samples inside a range: those later than its start, up to its end. Times in milliseconds. */
export interface Window {
  readonly startMs: number
  readonly endMs: number
  readonly times: readonly number[]
  readonly values: readonly number[]
}

/** What a range function makes of a window; undefined when there are too few samples for it. */
export function overWindow(name: string, window: Window): number | undefined {
  const { values } = window
  if (values.length === 0) return undefined
  switch (name) {
    case 'rate': {
      const grown = increase(window)
      return grown === undefined ? undefined : grown / ((window.endMs - window.startMs) / 1000)
    }
    case 'increase':
      return increase(window)
    case 'irate':
      return instantRate(window)
    case 'avg_over_time':
      return sum(values) / values.length
    case 'sum_over_time':
      return sum(values)
    case 'min_over_time':
      return Math.min(...values)
    case 'max_over_time':
      return Math.max(...values)
    case 'count_over_time':
      return values.length
    case 'last_over_time':
      return values.at(-1)
    default:
      return undefined
  }
}

/**
 * How much a counter grew over the whole window, resets included. The growth between the first and last sample is
 * extended to the window's ends where a sample is close to them (within 1.1 of the mean distance of samples), by half a
 * distance where it is not, and never to before the moment at which the counter would have been zero. This is how
 * Prometheus extrapolates: https://prometheus.io/docs/prometheus/latest/querying/functions/#rate
 */
function increase({ startMs, endMs, times, values }: Window): number | undefined {
  const [firstTime, lastTime] = [times[0], times.at(-1)]
  const [first, last] = [values[0], values.at(-1)]
  if (values.length < 2 || firstTime === undefined || lastTime === undefined) return undefined
  if (first === undefined || last === undefined) return undefined
  const grown = last - first + lostToResets(values)
  const sampled = lastTime - firstTime
  const distance = sampled / (values.length - 1)
  const reach = (gap: number): number => (gap < distance * 1.1 ? gap : distance / 2)
  const untilZero = grown > 0 && first >= 0 ? sampled * (first / grown) : Infinity
  const before = Math.min(reach(firstTime - startMs), untilZero)
  return grown * ((sampled + before + reach(endMs - lastTime)) / sampled)
}

function lostToResets(values: readonly number[]): number {
  let lost = 0
  for (let index = 1; index < values.length; index++) {
    const before = values[index - 1] ?? 0
    if ((values[index] ?? 0) < before) lost += before
  }
  return lost
}

function instantRate({ times, values }: Window): number | undefined {
  const [before, last] = values.slice(-2)
  const [beforeTime, lastTime] = times.slice(-2)
  if (last === undefined || before === undefined || beforeTime === undefined || lastTime === undefined) return undefined
  return (last < before ? last : last - before) / ((lastTime - beforeTime) / 1000)
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
