/** How many of `count` trials succeed with probability `share`: exact for few, by the normal approximation for many. */
export function binomial(count: number, share: number, random: () => number): number {
  if (share <= 0 || count <= 0) return 0
  if (share >= 1) return count
  if (count <= 64) {
    let hits = 0
    for (let trial = 0; trial < count; trial++) if (random() < share) hits++
    return hits
  }
  const z = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const drawn = Math.round(count * share + z * Math.sqrt(count * share * (1 - share)))
  return Math.min(count, Math.max(0, drawn))
}
