/** The entries whose key has one of the prefixes; `*` takes all. Keys of the Flux toolkit never pass. */
export function withPrefixes(
  entries: Readonly<Record<string, string>> | undefined,
  prefixes: readonly string[],
): Record<string, string> {
  const passes = (key: string): boolean => prefixes.some((prefix) => prefix === '*' || key.startsWith(prefix))
  return Object.fromEntries(
    Object.entries(withoutToolkit(entries)).filter(([key]) => passes(key) && !isBookkeeping(key)),
  )
}

/** The entries without those of the Flux toolkit, which would make it take the copy for its own. */
export function withoutToolkit(entries: Readonly<Record<string, string>> | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(entries ?? {}).filter(([key]) => !key.includes('toolkit.fluxcd.io')))
}

/** What tools note about one object and what is wrong on any copy of it. */
function isBookkeeping(key: string): boolean {
  return /^((kubectl|deployment)\.kubernetes\.io|argocd\.argoproj\.io|meta\.helm\.sh)\//.test(key)
}
