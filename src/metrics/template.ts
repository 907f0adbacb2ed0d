import { Problem } from '../lib/problem.ts'

/** What a query may refer to; the same names as in Flagger. */
export interface TemplateContext {
  readonly name: string
  readonly namespace: string
  readonly target: string
  readonly service: string
  readonly ingress: string
  readonly route: string
  readonly interval: string
  readonly variables: Readonly<Record<string, string>>
}

/**
 * A query with its `{{ … }}` replaced: the part of Go's text/template that metric queries use. An action is a name of
 * the context, `variables.x`, `index variables "x"`, a quoted string or a comment; `{{-` and `-}}` trim white space.
 * Nothing is evaluated, so a template cannot do more than fill in text. Throws a Problem (`stalled`,
 * `METRICS_TEMPLATE_INVALID`) with `place:line:column` for anything else and for a missing variable.
 */
export function renderTemplate(template: string, context: TemplateContext, place: string): string {
  let result = ''
  let position = 0
  for (;;) {
    const start = template.indexOf('{{', position)
    if (start < 0) return result + template.slice(position)
    const end = endOf(template, start)
    if (end === undefined) throw invalid(template, start, place, 'the action "{{" has no "}}"')
    let action = template.slice(start + 2, end)
    result += template.slice(position, start)
    if (/^-\s/.test(action)) {
      result = result.trimEnd()
      action = action.slice(1)
    }
    position = end + 2
    if (/\s-$/.test(action)) {
      action = action.slice(0, -1)
      position += (/^\s*/.exec(template.slice(position))?.[0] ?? '').length
    }
    const value = evaluate(action.trim(), context)
    if (typeof value !== 'string') throw invalid(template, start, place, value.fault)
    result += value
  }
}

/** Where the action's `}}` is; one inside a quoted string or a comment does not count. */
function endOf(template: string, start: number): number | undefined {
  const quotes = /"(?:[^"\\\n]|\\.)*"|`[^`]*`|\/\*[\s\S]*?\*\//y
  for (let position = start + 2; position < template.length; position++) {
    if (template.startsWith('}}', position)) return position
    quotes.lastIndex = position
    if (quotes.test(template)) position = quotes.lastIndex - 1
  }
  return undefined
}

function evaluate(action: string, context: TemplateContext): string | { readonly fault: string } {
  if (/^\/\*[\s\S]*\*\/$/.test(action)) return ''
  const string = /^(?:"((?:[^"\\\n]|\\["\\])*)"|`([^`]*)`)$/.exec(action)
  if (string !== null) return string[2] ?? (string[1] ?? '').replace(/\\(["\\])/g, '$1')
  const variable =
    /^variables\.([A-Za-z_][A-Za-z0-9_]*)$/.exec(action) ??
    /^index\s+variables\s+"([^"\\]*)"$/.exec(action) ??
    /^index\s+variables\s+`([^`]*)`$/.exec(action)
  if (variable !== null) return variableOf(variable[1] ?? '', context)
  switch (action) {
    case 'name':
    case 'namespace':
    case 'target':
    case 'service':
    case 'ingress':
    case 'route':
    case 'interval':
      return context[action]
    default:
      return { fault: `"{{ ${action} }}" is not understood: a metric query may use ${usable}` }
  }
}

const usable = 'name, namespace, target, service, ingress, route, interval and variables.x'

function variableOf(name: string, context: TemplateContext): string | { readonly fault: string } {
  const value = Object.hasOwn(context.variables, name) ? context.variables[name] : undefined
  return value ?? { fault: `the variable "${name}" is not in the metric's templateVariables` }
}

function invalid(template: string, offset: number, place: string, message: string): Problem {
  const before = template.slice(0, offset).split('\n')
  const column = (before.at(-1)?.length ?? 0) + 1
  return new Problem({
    kind: 'stalled',
    code: 'METRICS_TEMPLATE_INVALID',
    message,
    place: `${place}:${before.length}:${column}`,
  })
}
