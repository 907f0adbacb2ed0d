const compiled = new Map<string, RegExp | undefined>()

/**
 * True when a text matches a pattern of a schema. Patterns are Go's; one that JavaScript can't read matches everything, so
 * that it never stops an object here that the real server takes.
 */
export function matchesPattern(pattern: string, text: string): boolean {
  if (!compiled.has(pattern)) compiled.set(pattern, compile(pattern))
  return compiled.get(pattern)?.test(text) ?? true
}

function compile(pattern: string): RegExp | undefined {
  for (const flags of ['u', '']) {
    try {
      return new RegExp(pattern, flags)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
    }
  }
  return undefined
}
