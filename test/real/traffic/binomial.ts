/**
 * How likely it is, in a share of 1, that chance alone brings a count at least as far off as this one: the two-sided exact
 * binomial test with equal tails (C. J. Clopper, E. S. Pearson: The use of confidence or fiducial limits illustrated in
 * the case of the binomial, Biometrika 26 (1934) 404-413). `successes` of `trials`, each with probability `chance`.
 */
export function binomialTest(successes: number, trials: number, chance: number): number {
  if (chance === 0 || chance === 1 || trials === 0) return successes === trials * chance ? 1 : 0
  const lower = lowerTail(successes, trials, chance)
  const upper = lowerTail(trials - successes, trials, 1 - chance)
  return Math.min(1, 2 * Math.min(lower, upper))
}

/** P(X <= successes). Summed from the largest term down, so that it stays exact far out in the tail. */
function lowerTail(successes: number, trials: number, chance: number): number {
  let term = Math.exp(logProbability(successes, trials, chance))
  let sum = term
  for (let k = successes; k > 0; k -= 1) {
    term *= (k / (trials - k + 1)) * ((1 - chance) / chance)
    sum += term
    // Below the mean terms only fall, and so fast that what is left can't be seen any more.
    if (term < sum * Number.EPSILON && k < trials * chance) break
  }
  return Math.min(1, sum)
}

/** The natural logarithm of P(X = successes). */
function logProbability(successes: number, trials: number, chance: number): number {
  const ways = logFactorial(trials) - logFactorial(successes) - logFactorial(trials - successes)
  return ways + successes * Math.log(chance) + (trials - successes) * Math.log1p(-chance)
}

const logFactorials = [0]

function logFactorial(n: number): number {
  for (let k = logFactorials.length; k <= n; k += 1) logFactorials.push((logFactorials[k - 1] ?? 0) + Math.log(k))
  return logFactorials[n] ?? Number.NaN
}
