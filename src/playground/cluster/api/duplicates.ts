/**
 * The fields that a JSON text names twice in one object, as paths like `spec.parts[0].name`. The text must have been
 * parsed without error before.
 */
export function duplicateFields(text: string): readonly string[] {
  const found: string[] = []
  const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g
  const stack: Level[] = []
  let pending: string | undefined
  for (const [part] of text.matchAll(token)) {
    const level = stack.at(-1)
    if (part === '{' || part === '[') stack.push({ list: part === '[', names: new Set(), at: '', index: 0 })
    else if (part === '}' || part === ']') stack.pop()
    else if (part === ':' && level !== undefined && pending !== undefined) {
      const name: unknown = JSON.parse(pending)
      level.at = String(name)
      if (level.names.has(level.at)) found.push(pathOf(stack))
      level.names.add(level.at)
    } else if (part === ',' && level !== undefined) level.index += 1
    pending = part.startsWith('"') ? part : undefined
  }
  return found
}

interface Level {
  readonly list: boolean
  readonly names: Set<string>
  at: string
  index: number
}

function pathOf(stack: readonly Level[]): string {
  return stack
    .map((level) => (level.list ? `[${level.index}]` : `.${level.at}`))
    .join('')
    .slice(1)
}
