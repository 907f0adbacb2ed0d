/** A stretch of lines in two texts: where they agree, `now` and `older` are the same. */
export interface Stretch {
  readonly now: readonly string[]
  readonly older: readonly string[]
}

/** Above this many lines times lines the differing middle is one stretch. */
const MAX_TABLE = 4_000_000

/** Two texts as stretches of lines that agree and differ in turn, with the fewest differing lines. */
export function diffLines(now: readonly string[], then: readonly string[]): readonly Stretch[] {
  let head = 0
  while (head < now.length && head < then.length && now[head] === then[head]) head++
  let tail = 0
  while (tail < now.length - head && tail < then.length - head && now.at(-1 - tail) === then.at(-1 - tail)) tail++
  const middle = diffMiddle(now.slice(head, now.length - tail), then.slice(head, then.length - tail))
  const same = (lines: readonly string[]): Stretch => ({ now: lines, older: lines })
  return [same(now.slice(0, head)), ...middle, same(now.slice(now.length - tail))]
}

function diffMiddle(now: readonly string[], then: readonly string[]): Stretch[] {
  if (now.length * then.length > MAX_TABLE) return [{ now, older: then }]
  const width = then.length + 1
  const longest = longestCommon(now, then)
  const stretches: Stretch[] = []
  let open: { now: string[]; older: string[] } = { now: [], older: [] }
  let i = 0
  let j = 0
  while (i < now.length || j < then.length) {
    const a = now[i]
    const b = then[j]
    if (a !== undefined && a === b) {
      const same = [a]
      stretches.push(open, { now: same, older: same })
      open = { now: [], older: [] }
      i++
      j++
    } else if (
      b === undefined ||
      (a !== undefined && (longest[(i + 1) * width + j] ?? 0) >= (longest[i * width + j + 1] ?? 0))
    ) {
      open.now.push(a ?? '')
      i++
    } else {
      open.older.push(b)
      j++
    }
  }
  return [...stretches, open].filter((stretch) => stretch.now.length > 0 || stretch.older.length > 0)
}

/** For each pair of positions, the number of lines that the rests of both texts share in order. */
function longestCommon(now: readonly string[], then: readonly string[]): Uint32Array {
  const width = then.length + 1
  const longest = new Uint32Array((now.length + 1) * width)
  for (let i = now.length - 1; i >= 0; i--) {
    for (let j = then.length - 1; j >= 0; j--) {
      const here = i * width + j
      longest[here] =
        now[i] === then[j]
          ? (longest[here + width + 1] ?? 0) + 1
          : Math.max(longest[here + width] ?? 0, longest[here + 1] ?? 0)
    }
  }
  return longest
}
