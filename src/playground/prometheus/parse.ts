import type { SyntaxNode } from '@lezer/common'
import { parser } from '@prometheus-io/lezer-promql'
import type { Expression, Matching } from './expression.ts'
import { promqlDurationMs, promqlNumber, promqlString } from './literals.ts'
import { parseMatchers } from './parse-matchers.ts'
import { parseError, type PromqlError } from './promql-error.ts'
import { checkTypes } from './types.ts'

/**
 * Reads a query with Prometheus' own grammar. Throws a PromqlError (`bad_data`, as Prometheus answers it) for what the grammar or
 * the types refuse, and for the parts of PromQL that are not evaluated here, by name.
 */
export function parsePromql(query: string): Expression {
  const root = parser.parse(query).topNode
  const top = children(root)[0]
  if (top === undefined || query.trim() === '') {
    throw parseError(query, 0, 'no expression found in input')
  }
  root.cursor().iterate((node) => {
    if (!node.type.isError) return
    const found = query.slice(node.from, node.to).trim()
    const what =
      found === ''
        ? node.to >= query.trimEnd().length
          ? 'unexpected end of input'
          : 'unexpected token'
        : `unexpected "${found}"`
    throw parseError(query, node.from, what)
  })
  return read({ query, node: top })
}

/** A node and the text that its offsets refer to. */
interface Place {
  readonly query: string
  readonly node: SyntaxNode
}

function read({ query, node }: Place): Expression {
  const at = (inner: SyntaxNode): Expression => read({ query, node: inner })
  switch (node.name) {
    case 'ParenExpr':
      return at(operands(node)[0] ?? fail(query, node))
    case 'NumberDurationLiteral':
      return { kind: 'number', value: promqlNumber(textOf(query, node)) ?? fail(query, node) }
    case 'StringLiteral':
      return { kind: 'string', value: promqlString(textOf(query, node)) ?? fail(query, node) }
    case 'VectorSelector':
      return { kind: 'selector', ...parseMatchers(query, node), offsetMs: 0 }
    case 'MatrixSelector':
      return range({ query, node })
    case 'OffsetExpr':
      return offset({ query, node })
    case 'UnaryExpr':
      return unary({ query, node })
    case 'BinaryExpr':
      return binary({ query, node })
    case 'AggregateExpr':
      return aggregation({ query, node })
    case 'FunctionCall':
      return call({ query, node })
    default:
      throw unsupported(query, node, node.name === 'SubqueryExpr' ? 'subqueries' : node.name)
  }
}

function range({ query, node }: Place): Expression {
  const [selector, duration] = operands(node)
  if (selector === undefined || duration === undefined) return fail(query, node)
  return {
    kind: 'range',
    selector: { kind: 'selector', ...parseMatchers(query, selector), offsetMs: 0 },
    rangeMs: durationOf(query, duration),
  }
}

function offset({ query, node }: Place): Expression {
  const [inner, duration] = operands(node)
  if (inner === undefined || duration === undefined) return fail(query, node)
  const offsetMs = durationOf(query, duration)
  const expression = read({ query, node: inner })
  if (expression.kind === 'selector') return { ...expression, offsetMs }
  if (expression.kind === 'range') return { ...expression, selector: { ...expression.selector, offsetMs } }
  throw parseError(query, node.from, 'offset modifier must be preceded by an instant or range selector')
}

function unary({ query, node }: Place): Expression {
  const inner = operands(node)[0] ?? fail(query, node)
  const operand = read({ query, node: inner })
  checkTypes.unary(query, node.from, operand)
  return textOf(query, node).startsWith('-') ? { kind: 'negation', operand } : operand
}

function binary({ query, node }: Place): Expression {
  const [leftNode, rightNode] = operands(node)
  if (leftNode === undefined || rightNode === undefined) return fail(query, node)
  const modifier = node.getChild('MatchingModifierClause')
  if (modifier?.getChild('GroupLeft') || modifier?.getChild('GroupRight')) {
    throw unsupported(query, modifier, 'group_left and group_right')
  }
  const operator = query.slice(leftNode.to, rightNode.from).replaceAll(/#.*/g, '').trim().split(/[\s(]/)[0] ?? ''
  if (operator.toLowerCase() === 'atan2') throw unsupported(query, node, 'atan2')
  const expression = {
    kind: 'binary' as const,
    operator: operatorOf(operator, query, leftNode),
    left: read({ query, node: leftNode }),
    right: read({ query, node: rightNode }),
    bool: node.getChild('BoolModifier') !== null,
    matching: matchingOf(query, modifier),
  }
  checkTypes.binary(query, node.from, expression)
  return expression
}

/** The sign that the source begins with: `a*-b` has no space after it. */
function operatorOf(text: string, query: string, left: SyntaxNode): string {
  const sign = /^(?:==|!=|<=|>=|[-+*/%^<>]|and\b|or\b|unless\b)/i.exec(text)?.[0]
  if (sign === undefined) throw unsupported(query, left, `the operator "${text}"`)
  return sign.toLowerCase()
}

function matchingOf(query: string, modifier: SyntaxNode | null): Matching {
  if (modifier === null) return { kind: 'ignoring', labels: [] }
  return { kind: modifier.getChild('On') === null ? 'ignoring' : 'on', labels: groupingLabels(query, modifier) }
}

function groupingLabels(query: string, node: SyntaxNode): readonly string[] {
  const grouping = node.getChild('GroupingLabels')
  return grouping === null ? [] : children(grouping).map((label) => labelName(query, label))
}

function labelName(query: string, node: SyntaxNode): string {
  const text = textOf(query, node)
  return /^["'`]/.test(text) ? (promqlString(text) ?? text) : text
}

function aggregation({ query, node }: Place): Expression {
  const operator = textOf(query, node.getChild('AggregateOp') ?? fail(query, node)).toLowerCase()
  const body = node.getChild('FunctionCallBody')
  const parameters = body === null ? [] : operands(body)
  if (!['sum', 'avg', 'min', 'max', 'count'].includes(operator))
    throw unsupported(query, node, `the aggregation "${operator}"`)
  const [inner, ...others] = parameters
  if (inner === undefined || others.length > 0) {
    throw parseError(
      query,
      node.from,
      `wrong number of arguments for aggregate expression provided, expected 1, got ${parameters.length}`,
    )
  }
  const modifier = node.getChild('AggregateModifier')
  const operand = read({ query, node: inner })
  checkTypes.aggregation(query, node.from, operand)
  return {
    kind: 'aggregation',
    operator,
    operand,
    without: modifier !== null && modifier.getChild('Without') !== null,
    labels: modifier === null ? [] : groupingLabels(query, modifier),
  }
}

function call({ query, node }: Place): Expression {
  const name = textOf(query, node.getChild('FunctionIdentifier') ?? fail(query, node))
  const body = node.getChild('FunctionCallBody')
  const parameters = (body === null ? [] : operands(body)).map((inner) => read({ query, node: inner }))
  const expression = { kind: 'call' as const, name, parameters }
  checkTypes.call(query, node.from, expression)
  return expression
}

function durationOf(query: string, node: SyntaxNode): number {
  const text = textOf(query, node).trim()
  const sign = text.startsWith('-') ? -1 : 1
  const ms = promqlDurationMs(text.replace(/^[-+]\s*/, ''))
  if (ms === undefined || Number.isNaN(ms)) throw unsupported(query, node, `the duration "${text}"`)
  return sign * ms
}

const noOperands = new Set(['MatchingModifierClause', 'BoolModifier', 'LineComment', 'UnaryOp'])

/** The children that are expressions or durations: named nodes that begin in upper case and are no modifier or sign. */
function operands(node: SyntaxNode): readonly SyntaxNode[] {
  return children(node).filter(
    (child) => /(?:Expr|Literal|Selector|FunctionCall)$/.test(child.name) && !noOperands.has(child.name),
  )
}

function children(node: SyntaxNode): readonly SyntaxNode[] {
  const found: SyntaxNode[] = []
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    if (child.name !== 'LineComment') found.push(child)
  }
  return found
}

function textOf(query: string, node: SyntaxNode): string {
  return query.slice(node.from, node.to)
}

function unsupported(query: string, node: SyntaxNode, what: string): PromqlError {
  return parseError(query, node.from, `${what} not supported by the playground's Prometheus`)
}

function fail(query: string, node: SyntaxNode): never {
  throw parseError(query, node.from, `unexpected "${textOf(query, node)}"`)
}
