import { wrong } from './causes.ts'
import type { Cause } from './failure.ts'

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const subdomain = `${label}(\\.${label})*`
const qualified = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const isLabelText = new RegExp(`^${label}$`)
const isSubdomainText = new RegExp(`^${subdomain}$`)
const isQualifiedText = new RegExp(`^${qualified}$`)
const isServiceText = /^[a-z]([-a-z0-9]*[a-z0-9])?$/

/** The sentence for a name that is no RFC 1123 subdomain. */
export const subdomainRule = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${subdomain}')`

/** The sentence for a name that is no RFC 1123 label. */
export const labelRule = `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${label}')`

/** The sentence for the name part of a label or annotation key. */
export const qualifiedRule = `name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${qualified}')`

const valueRule =
  `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '((${qualified.slice(0)})?)')`.replace(
    `((${qualified})?)`,
    '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?',
  )

const keyRule = `a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${qualified}') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`

/** True for an RFC 1123 subdomain. */
export function isSubdomain(name: string): boolean {
  return name.length <= 253 && isSubdomainText.test(name)
}

/** True for an RFC 1123 label. */
export function isLabel(name: string): boolean {
  return name.length <= 63 && isLabelText.test(name)
}

/** What is wrong with an object's name. */
export function nameProblem(name: string, rule: 'subdomain' | 'label' | 'service' | 'path'): string | undefined {
  switch (rule) {
    case 'subdomain':
      return isSubdomain(name) ? undefined : subdomainRule
    case 'label':
      return isLabel(name) ? undefined : labelRule
    case 'service':
      if (name.includes('.')) return 'must not contain dots'
      return isServiceText.test(name) && name.length <= 63
        ? undefined
        : "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
    case 'path':
      return /[/%]/.test(name) || name === '.' || name === '..' ? "may not contain '/' or '%'" : undefined
  }
}

/** What is wrong with the key of a label or annotation. */
export function keyProblem(key: string): string | undefined {
  const parts = key.split('/')
  if (parts.length > 2) return keyRule
  const name = parts.at(-1) ?? ''
  const prefix = parts.length === 2 ? (parts[0] ?? '') : undefined
  if (prefix !== undefined && !isSubdomain(prefix)) return `prefix part ${subdomainRule}`
  if (name === '') return 'name part must be non-empty'
  if (name.length > 63) return 'name part must be no more than 63 bytes'
  return isQualifiedText.test(name) ? undefined : qualifiedRule
}

/** What is wrong with a map of labels. */
export function labelCauses(labels: Readonly<Record<string, unknown>>, field: string): readonly Cause[] {
  return Object.entries(labels).flatMap(([key, value]) => {
    const keyTrouble = keyProblem(key)
    const trouble = typeof value === 'string' ? labelValueProblem(value) : undefined
    return [
      ...(keyTrouble === undefined ? [] : [wrong(field, key, keyTrouble)]),
      ...(trouble === undefined ? [] : [wrong(field, String(value), trouble)]),
    ]
  })
}

/** What is wrong with the value of a label. */
export function labelValueProblem(value: string): string | undefined {
  if (value.length > 63) return 'must be no more than 63 bytes'
  return value === '' || isQualifiedText.test(value) ? undefined : valueRule
}
