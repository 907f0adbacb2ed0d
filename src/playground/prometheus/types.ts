import type { Expression, ValueType } from './expression.ts'
import { signatures } from './functions.ts'
import { parseError } from './promql-error.ts'

type Binary = Extract<Expression, { kind: 'binary' }>
type Call = Extract<Expression, { kind: 'call' }>

/** Prometheus' type rules. Each throws a PromqlError (`bad_data`) at `offset` of the query. */
export const checkTypes = {
  unary: (query: string, offset: number, operand: Expression): void => {
    const type = typeOf(operand)
    if (type === 'scalar' || type === 'instant vector') return
    throw parseError(
      query,
      offset,
      `unary expression only allowed on expressions of type scalar or instant vector, got "${type}"`,
    )
  },
  aggregation: (query: string, offset: number, operand: Expression): void => {
    expectType(query, offset, 'instant vector', operand, 'aggregation expression')
  },
  call: (query: string, offset: number, { name, parameters }: Call): void => {
    const signature = Object.hasOwn(signatures, name) ? signatures[name] : undefined
    if (signature === undefined) {
      throw parseError(query, offset, `the function "${name}" is not supported by the playground's Prometheus`)
    }
    const expected = signature.parameters
    if (expected.length !== parameters.length) {
      throw parseError(
        query,
        offset,
        `expected ${expected.length} argument(s) in call to "${name}", got ${parameters.length}`,
      )
    }
    for (const [index, parameter] of parameters.entries()) {
      expectType(query, offset, expected[index] ?? 'scalar', parameter, `call to function "${name}"`)
    }
  },
  binary: (query: string, offset: number, { operator, left, right, bool }: Binary): void => {
    const types = [typeOf(left), typeOf(right)]
    if (types.some((type) => type !== 'scalar' && type !== 'instant vector')) {
      throw parseError(query, offset, 'binary expression must contain only scalar and instant vector types')
    }
    if (isSetOperator(operator) && types.includes('scalar')) {
      throw parseError(query, offset, `set operator "${operator}" not allowed in binary scalar expression`)
    }
    if (isComparison(operator) && !bool && !types.includes('instant vector')) {
      throw parseError(query, offset, 'comparisons between scalars must use BOOL modifier')
    }
    if (bool && !isComparison(operator)) {
      throw parseError(query, offset, 'bool modifier can only be used on comparison operators')
    }
  },
}

/** What an expression gives. */
export function typeOf(expression: Expression): ValueType {
  switch (expression.kind) {
    case 'number':
      return 'scalar'
    case 'string':
      return 'string'
    case 'range':
      return 'range vector'
    case 'selector':
    case 'aggregation':
      return 'instant vector'
    case 'negation':
      return typeOf(expression.operand)
    case 'call':
      return signatures[expression.name]?.returns ?? 'instant vector'
    case 'binary':
      return typeOf(expression.left) === 'scalar' && typeOf(expression.right) === 'scalar' ? 'scalar' : 'instant vector'
  }
}

export function isComparison(operator: string): boolean {
  return ['==', '!=', '<', '>', '<=', '>='].includes(operator)
}

export function isSetOperator(operator: string): boolean {
  return ['and', 'or', 'unless'].includes(operator)
}

function expectType(query: string, offset: number, expected: ValueType, operand: Expression, where: string): void {
  const type = typeOf(operand)
  if (type === expected) return
  throw parseError(query, offset, `expected type ${expected} in ${where}, got ${type}`)
}
