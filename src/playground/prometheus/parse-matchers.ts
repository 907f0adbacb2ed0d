import type { SyntaxNode } from '@lezer/common'
import type { Matcher, Selector } from './expression.ts'
import { promqlString } from './literals.ts'
import { parseError } from './promql-error.ts'

/** The name and the matchers of a vector selector. Throws a PromqlError for a bad pattern or string. */
export function parseMatchers(query: string, node: SyntaxNode): Pick<Selector, 'name' | 'matchers'> {
  const identifier = node.getChild('Identifier')
  let name = identifier === null ? undefined : query.slice(identifier.from, identifier.to)
  const matchers: Matcher[] = []
  const list = node.getChild('LabelMatchers')
  for (let child = list?.firstChild ?? null; child !== null; child = child.nextSibling) {
    if (child.name === 'LineComment') continue
    if (child.name === 'QuotedLabelName') name = stringOf(query, child)
    else matchers.push(matcherOf(query, child))
  }
  const metric = name
  if (metric !== undefined) matchers.push({ label: '__name__', matches: (value) => value === metric })
  if (matchers.every((matcher) => matcher.matches(''))) {
    throw parseError(query, node.from, 'vector selector must contain at least one non-empty matcher')
  }
  return { name, matchers }
}

function matcherOf(query: string, node: SyntaxNode): Matcher {
  const labelNode = node.getChild('LabelName') ?? node.getChild('QuotedLabelName')
  const operator = node.getChild('MatchOp')
  const literal = node.getChild('StringLiteral')
  if (labelNode === null || operator === null || literal === null)
    throw parseError(query, node.from, 'unexpected matcher')
  const text = query.slice(labelNode.from, labelNode.to)
  const label = /^["'`]/.test(text) ? stringOf(query, labelNode) : text
  const expected = stringOf(query, literal)
  switch (query.slice(operator.from, operator.to)) {
    case '=':
      return { label, matches: (value) => value === expected }
    case '!=':
      return { label, matches: (value) => value !== expected }
    case '=~': {
      const pattern = anchored(query, literal, expected)
      return { label, matches: (value) => pattern.test(value) }
    }
    case '!~': {
      const pattern = anchored(query, literal, expected)
      return { label, matches: (value) => !pattern.test(value) }
    }
    default:
      throw parseError(query, operator.from, 'unexpected label matching operator')
  }
}

/** Prometheus anchors patterns at both ends, and lets the dot match line breaks. */
function anchored(query: string, node: SyntaxNode, pattern: string): RegExp {
  const insensitive = pattern.startsWith('(?i)')
  try {
    return new RegExp(`^(?:${insensitive ? pattern.slice(4) : pattern})$`, insensitive ? 'is' : 's')
  } catch (error) {
    throw parseError(query, node.from, `error parsing regexp: ${error instanceof Error ? error.message : 'unknown'}`)
  }
}

function stringOf(query: string, node: SyntaxNode): string {
  const value = promqlString(query.slice(node.from, node.to))
  if (value === undefined) throw parseError(query, node.from, 'unknown escape sequence in a string')
  return value
}
