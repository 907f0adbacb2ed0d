import type { JsonObject } from '../../../lib/json.ts'
import { at, isObject, stringAt } from '../../../lib/json.ts'
import { isList, plain } from '../document.ts'
import { badRequest } from './failure.ts'
import { keyProblem, labelValueProblem } from './names.ts'

type Labels = JsonObject

interface Requirement {
  readonly key: string
  readonly operator: 'in' | 'notin' | 'exists' | 'missing' | 'greater' | 'less'
  readonly values: readonly string[]
}

/** A test for labels. */
export type LabelTest = (labels: Labels | undefined) => boolean

/** True when a LabelSelector object (matchLabels, matchExpressions) selects these labels. An empty one selects nothing. */
export function selectsLabels(selector: JsonObject, labels: Labels): boolean {
  const wanted = selector['matchLabels']
  const expressions = selector['matchExpressions']
  const requirements = [
    ...Object.entries(isObject(wanted) ? wanted : {}).map(([key, value]): Requirement => {
      return { key, operator: 'in', values: [plain(value)] }
    }),
    ...(isList(expressions) ? expressions : []).map((expression): Requirement => {
      const values = at(expression, 'values')
      return {
        key: stringAt(expression, 'key') ?? '',
        operator: operators[stringAt(expression, 'operator') ?? ''] ?? 'exists',
        values: isList(values) ? values.map(plain) : [],
      }
    }),
  ]
  return requirements.length > 0 && requirements.every((requirement) => meets(labels, requirement))
}

const operators: Readonly<Record<string, Requirement['operator']>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: 'missing',
}

function meets(labels: Labels, { key, operator, values }: Requirement): boolean {
  const value = labels[key]
  switch (operator) {
    case 'in':
      return typeof value === 'string' && values.includes(value)
    case 'notin':
      return typeof value !== 'string' || !values.includes(value)
    case 'exists':
      return value !== undefined
    case 'missing':
      return value === undefined
    case 'greater':
      return /^-?\d+$/.test(plain(value)) && Number(value) > Number(values[0])
    case 'less':
      return /^-?\d+$/.test(plain(value)) && Number(value) < Number(values[0])
  }
}

/** Reads a `labelSelector` parameter. The sentences of its errors are the real server's. */
export function parseLabelSelector(selector: string): LabelTest {
  const requirements = new Parser(selector).requirements()
  const nothing: Labels = {}
  return (labels) => requirements.every((requirement) => meets(labels ?? nothing, requirement))
}

class Parser {
  private readonly tokens: readonly string[]
  private position = 0

  constructor(selector: string) {
    this.tokens = selector.match(/[^\s!=<>(),]+|==|!=|[!=<>(),]/g) ?? []
  }

  requirements(): readonly Requirement[] {
    const found: Requirement[] = []
    while (this.peek() !== '') {
      found.push(this.requirement())
      const separator = this.next()
      if (separator === '') break
      if (separator !== ',') throw badRequest(`found '${separator}', expected: ',' or 'end of string'`)
    }
    return found
  }

  private requirement(): Requirement {
    const negated = this.peek() === '!'
    if (negated) this.next()
    const key = this.next()
    if (/^[=<>(),!]|^$/.test(key)) throw badRequest(`found '${key}', expected: !, identifier, or 'end of string'`)
    const trouble = keyProblem(key)
    if (trouble !== undefined) throw badRequest(`key: Invalid value: ${JSON.stringify(key)}: ${trouble}`)
    if (negated) return { key, operator: 'missing', values: [] }
    if (this.peek() === '' || this.peek() === ',') return { key, operator: 'exists', values: [] }
    const operator = this.next()
    switch (operator) {
      case '=':
      case '==':
        return { key, operator: 'in', values: [this.value()] }
      case '!=':
        return { key, operator: 'notin', values: [this.value()] }
      case '>':
        return { key, operator: 'greater', values: [this.value()] }
      case '<':
        return { key, operator: 'less', values: [this.value()] }
      case 'in':
      case 'notin':
        return { key, operator, values: this.values() }
      default:
        throw badRequest(`unable to parse requirement: found '${operator}', expected: in, notin, =, ==, !=, gt, lt`)
    }
  }

  private value(): string {
    if (this.peek() === '' || this.peek() === ',') return ''
    const value = this.next()
    const trouble = labelValueProblem(value)
    if (trouble !== undefined)
      throw badRequest(`unable to parse requirement: values[0][]: Invalid value: ${JSON.stringify(value)}: ${trouble}`)
    return value
  }

  private values(): readonly string[] {
    const open = this.next()
    if (open !== '(') throw badRequest(`unable to parse requirement: found '${open}' expected: '('`)
    const values: string[] = []
    for (;;) {
      const token = this.next()
      if (token === ')') return values
      if (token === ',') continue
      if (/^[=<>(!]|^$/.test(token))
        throw badRequest(`unable to parse requirement: found '${token}', expected: ',', ')' or identifier`)
      values.push(token)
    }
  }

  private peek(): string {
    return this.tokens[this.position] ?? ''
  }

  private next(): string {
    const token = this.peek()
    this.position += 1
    return token
  }
}
