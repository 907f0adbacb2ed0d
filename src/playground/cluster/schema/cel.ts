import type { Json } from '../../../lib/json.ts'
import { isObject } from '../../../lib/json.ts'
import { matchesPattern } from './pattern.ts'
import { equalJson, isList, plain } from '../document.ts'

/** A rule that uses more of CEL than is understood here, or that has no answer for these values. */
export class CelError extends Error {
  override readonly name = 'CelError'
}

/** What a rule can name. */
export type CelScope = Readonly<Record<string, Json | undefined>>

type Node = (scope: CelScope) => Json

const lexical =
  /\s*(?:(\d+(?:\.\d+)?)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([A-Za-z_]\w*)|(&&|\|\||[=!<>]=|[-!<>()[\].,?:+*/%]))/y

/**
 * Evaluates a validation rule of a CustomResourceDefinition: comparisons, logic, arithmetic, `? :`, fields, indexes,
 * `in`, `has`, `size`, `startsWith`, `endsWith`, `contains`, `matches`, and `all`, `exists`, `filter`, `map` over lists.
 * Throws CelError for anything else.
 */
export function evaluateCel(rule: string, scope: CelScope): Json {
  return compile(rule)(scope)
}

const compiled = new Map<string, Node>()

function compile(rule: string): Node {
  const known = compiled.get(rule)
  if (known !== undefined) return known
  const parser = new Parser(rule)
  const node = parser.expression()
  parser.end()
  compiled.set(rule, node)
  return node
}

type Token = { readonly kind: 'number' | 'text' | 'name' | 'sign' | 'end'; readonly text: string }

class Parser {
  private readonly tokens: Token[] = []
  private position = 0

  constructor(rule: string) {
    lexical.lastIndex = 0
    const source = rule.trimEnd()
    while (lexical.lastIndex < source.length) {
      const match = lexical.exec(source)
      if (match === null) throw new CelError(`unknown sign in rule: ${rule}`)
      const [, number, double, single, name, sign] = match
      const quoted = double ?? single
      if (number !== undefined) this.tokens.push({ kind: 'number', text: number })
      else if (quoted !== undefined) this.tokens.push({ kind: 'text', text: quoted.replaceAll(/\\(.)/g, '$1') })
      else if (name !== undefined) this.tokens.push({ kind: 'name', text: name })
      else this.tokens.push({ kind: 'sign', text: sign ?? '' })
    }
  }

  end(): void {
    if (this.peek().kind !== 'end') throw new CelError(`unexpected ${this.peek().text}`)
  }

  expression(): Node {
    const condition = this.or()
    if (!this.take('?')) return condition
    const yes = this.expression()
    this.expect(':')
    const no = this.expression()
    return (scope) => (truth(condition(scope)) ? yes(scope) : no(scope))
  }

  private or(): Node {
    let left = this.and()
    while (this.take('||')) {
      const [a, b] = [left, this.and()]
      left = (scope) => truth(a(scope)) || truth(b(scope))
    }
    return left
  }

  private and(): Node {
    let left = this.relation()
    while (this.take('&&')) {
      const [a, b] = [left, this.relation()]
      left = (scope) => truth(a(scope)) && truth(b(scope))
    }
    return left
  }

  private relation(): Node {
    const left = this.sum()
    const { text, kind } = this.peek()
    if (kind === 'name' && text === 'in') {
      this.position += 1
      const right = this.sum()
      return (scope) => contains(right(scope), left(scope))
    }
    if (kind !== 'sign' || !['==', '!=', '<', '<=', '>', '>='].includes(text)) return left
    this.position += 1
    const right = this.sum()
    return (scope) => relate(text, left(scope), right(scope))
  }

  private sum(): Node {
    let left = this.unary()
    for (;;) {
      const { text, kind } = this.peek()
      if (kind !== 'sign' || !['+', '-', '*', '/', '%'].includes(text)) return left
      this.position += 1
      const [a, b] = [left, this.unary()]
      left = (scope) => calculate(text, a(scope), b(scope))
    }
  }

  private unary(): Node {
    if (this.take('!')) {
      const value = this.unary()
      return (scope) => !truth(value(scope))
    }
    if (this.take('-')) {
      const value = this.unary()
      return (scope) => calculate('-', 0, value(scope))
    }
    return this.member(this.primary())
  }

  private member(start: Node): Node {
    let node = start
    for (;;) {
      const from = node
      if (this.take('[')) {
        const index = this.expression()
        this.expect(']')
        node = (scope) => pick(from(scope), index(scope))
      } else if (this.take('.')) {
        const name = this.name()
        node = this.take('(') ? this.method(from, name) : (scope) => pick(from(scope), name)
      } else return node
    }
  }

  private method(target: Node, name: string): Node {
    if (['all', 'exists', 'exists_one', 'filter', 'map'].includes(name)) {
      const variable = this.name()
      this.expect(',')
      const body = this.expression()
      this.expect(')')
      return (scope) => over(name, target(scope), (item) => body({ ...scope, [variable]: item }))
    }
    const given = this.arguments()
    return (scope) =>
      call(
        name,
        target(scope),
        given.map((argument) => argument(scope)),
      )
  }

  private arguments(): readonly Node[] {
    const found: Node[] = []
    while (!this.take(')')) {
      found.push(this.expression())
      this.take(',')
    }
    return found
  }

  private primary(): Node {
    const token = this.peek()
    this.position += 1
    if (token.kind === 'number') return () => Number(token.text)
    if (token.kind === 'text') return () => token.text
    if (token.kind === 'sign' && token.text === '(') {
      const inner = this.expression()
      this.expect(')')
      return inner
    }
    if (token.kind === 'sign' && token.text === '[') return this.list()
    if (token.kind !== 'name') throw new CelError(`unexpected ${token.text}`)
    if (token.text === 'true' || token.text === 'false') return () => token.text === 'true'
    if (token.text === 'null') return () => null
    if (!this.take('(')) return (scope) => known(scope[token.text], token.text)
    if (token.text === 'has') return this.has()
    const given = this.arguments()
    return (scope) => {
      const [first, ...rest] = given.map((argument) => argument(scope))
      return call(token.text, first ?? null, rest)
    }
  }

  private list(): Node {
    const items: Node[] = []
    while (!this.take(']')) {
      items.push(this.expression())
      this.take(',')
    }
    return (scope) => items.map((item) => item(scope))
  }

  private has(): Node {
    const value = this.expression()
    this.expect(')')
    return (scope) => {
      try {
        value(scope)
        return true
      } catch (error) {
        if (error instanceof CelError) return false
        throw error
      }
    }
  }

  private name(): string {
    const token = this.peek()
    if (token.kind !== 'name') throw new CelError(`unexpected ${token.text}`)
    this.position += 1
    return token.text.replace(/^__(\w+)__$/, '$1')
  }

  private take(sign: string): boolean {
    const token = this.peek()
    if (token.kind !== 'sign' || token.text !== sign) return false
    this.position += 1
    return true
  }

  private expect(sign: string): void {
    if (!this.take(sign)) throw new CelError(`expected ${sign}, found ${this.peek().text}`)
  }

  private peek(): Token {
    return this.tokens[this.position] ?? { kind: 'end', text: 'the end' }
  }
}

function known(value: Json | undefined, name: string): Json {
  if (value === undefined) throw new CelError(`no such name: ${name}`)
  return value
}

function truth(value: Json): boolean {
  if (typeof value !== 'boolean') throw new CelError('not a boolean')
  return value
}

function pick(value: Json, key: Json): Json {
  if (isList(value) && typeof key === 'number') return known(value[key], String(key))
  if (isObject(value) && typeof key === 'string') return known(value[key], key)
  throw new CelError(`no such key: ${plain(key)}`)
}

function contains(container: Json, value: Json): boolean {
  if (isList(container)) return container.some((item) => equalJson(item, value))
  if (isObject(container) && typeof value === 'string') return container[value] !== undefined
  throw new CelError('in needs a list or a map')
}

function relate(sign: string, left: Json, right: Json): boolean {
  if (sign === '==') return equalJson(left, right)
  if (sign === '!=') return !equalJson(left, right)
  const numbers = typeof left === 'number' && typeof right === 'number'
  const texts = typeof left === 'string' && typeof right === 'string'
  if (!numbers && !texts) throw new CelError(`no ordering for ${sign}`)
  if (sign === '<') return left < right
  if (sign === '<=') return left <= right
  return sign === '>' ? left > right : left >= right
}

function calculate(sign: string, left: Json, right: Json): Json {
  if (sign === '+' && typeof left === 'string' && typeof right === 'string') return left + right
  if (sign === '+' && isList(left) && isList(right)) return [...left, ...right]
  if (typeof left !== 'number' || typeof right !== 'number') throw new CelError(`no ${sign} for these values`)
  if (sign === '+') return left + right
  if (sign === '-') return left - right
  if (sign === '*') return left * right
  if (right === 0) throw new CelError('division by zero')
  return sign === '/' ? Math.trunc(left / right) : left % right
}

function over(name: string, target: Json, body: (item: Json) => Json): Json {
  const items = isList(target) ? target : isObject(target) ? Object.keys(target) : undefined
  if (items === undefined) throw new CelError(`${name} needs a list or a map`)
  if (name === 'all') return items.every((item) => truth(body(item)))
  if (name === 'exists') return items.some((item) => truth(body(item)))
  if (name === 'exists_one') return items.filter((item) => truth(body(item))).length === 1
  return name === 'filter' ? items.filter((item) => truth(body(item))) : items.map(body)
}

function call(name: string, target: Json, given: readonly Json[]): Json {
  const [argument] = given
  if (name === 'size') {
    if (typeof target === 'string' || isList(target)) return target.length
    if (isObject(target)) return Object.keys(target).length
  }
  if (name === 'string') return plain(target)
  if (name === 'int' || name === 'double') return Number(target)
  if (typeof target === 'string' && typeof argument === 'string') {
    if (name === 'startsWith') return target.startsWith(argument)
    if (name === 'endsWith') return target.endsWith(argument)
    if (name === 'contains') return target.includes(argument)
    if (name === 'matches') return matchesPattern(argument, target)
  }
  throw new CelError(`unknown function ${name}`)
}
