import type { ScalarTag, Tags } from 'yaml'

/** An integer as Go's YAML readers take it: decimal, `0x`, `0b`, `0o`, a leading zero for octal, underscores anywhere. */
const INTEGER =
  /^(?:[-+]_*)?(?:0[bB]_*[01][01_]*|0[oO]?_*[0-7][0-7_]*|0_*|0[xX]_*[0-9a-fA-F][0-9a-fA-F_]*|[1-9][0-9_]*)$/
const FLOAT = /^(?:[-+]_*)?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9_]*[0-9][0-9_]*)?$/
const TRUE = /^(?:y|Y|yes|Yes|YES|on|On|ON|true|True|TRUE)$/
const FALSE = /^(?:n|N|no|No|NO|off|Off|OFF|false|False|FALSE)$/
const NULL = /^(?:~|null|Null|NULL)?$/
const NOT_JSON = /^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/
/** What other YAML 1.1 readers turn into dates and base-60 numbers; kubectl leaves them as text. */
const OTHER_READERS =
  /^(?:[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?|<<|=)$/

const booleanTag: ScalarTag = {
  identify: (value) => typeof value === 'boolean',
  default: true,
  tag: 'tag:yaml.org,2002:bool',
  test: new RegExp(`${TRUE.source}|${FALSE.source}`),
  resolve: (text) => TRUE.test(text),
}

const integerTag: ScalarTag = {
  identify: (value) => typeof value === 'number' && Number.isInteger(value),
  default: true,
  tag: 'tag:yaml.org,2002:int',
  test: INTEGER,
  resolve: integer,
}

const floatTag: ScalarTag = {
  identify: (value) => typeof value === 'number',
  default: true,
  tag: 'tag:yaml.org,2002:float',
  test: FLOAT,
  resolve: (text) => Number(text.replaceAll('_', '')) + 0,
}

const notJsonTag: ScalarTag = {
  default: true,
  tag: 'tag:yaml.org,2002:float',
  test: NOT_JSON,
  resolve: (text, onError) => {
    onError(`${text} is no number that JSON has`)
    return text
  },
}

const binaryTag: ScalarTag = {
  tag: 'tag:yaml.org,2002:binary',
  resolve: (text) => Buffer.from(text.replaceAll(/\s/g, ''), 'base64').toString('utf8'),
}

const OURS = [booleanTag, integerTag, floatTag, notJsonTag, binaryTag]

/** The tags of YAML's core schema with scalars resolved as kubectl resolves them. */
export function kubectlTags(core: Tags): Tags {
  const replaced = new Set(['tag:yaml.org,2002:bool', 'tag:yaml.org,2002:int', 'tag:yaml.org,2002:float'])
  const kept = core.filter((tag) => typeof tag === 'string' || !replaced.has(tag.tag))
  return [...kept, ...OURS]
}

/** True when a YAML reader of any version would take this unquoted text for anything but a string. */
export function looksLikeOtherType(text: string): boolean {
  return [TRUE, FALSE, NULL, NOT_JSON, INTEGER, FLOAT, OTHER_READERS].some((form) => form.test(text))
}

function integer(text: string): number {
  const digits = text.replaceAll('_', '').toLowerCase()
  const negative = digits.startsWith('-')
  const unsigned = digits.replace(/^[-+]/, '')
  const value = /^0[0-7]+$/.test(unsigned) ? Number(`0o${unsigned.slice(1)}`) : Number(unsigned)
  return negative && value !== 0 ? -value : value
}
