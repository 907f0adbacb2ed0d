import fc from 'fast-check'
import { takenSamples } from './service-samples.ts'

const word = fc.stringMatching(/^[a-z]([a-z0-9-]{0,12}[a-z0-9])?$/)
const path = fc.array(word, { maxLength: 3 }).map((words) => `/${words.join('/')}`)
const header = word.map((name) => `x-${name}`)
/** Not empty: servers before 1.21 take an empty text in a custom resource for null. */
const text = fc.stringMatching(/^[ -~]{1,30}$/)
/** Of a header: without blanks around it. */
const value = text.map((one) => `a${one.trim()}`)
const label = word.map((name) => `example.com/${name}`)
const pattern = fc.oneof(fc.record({ exact: value }), fc.record({ regex: word.map((one) => `${one}.*`) }))

const match = fc.record(
  {
    uri: fc.oneof(
      fc.record({ prefix: path }),
      fc.record({ exact: path }),
      fc.record({ regex: path.map((one) => `${one}/.*`) }),
    ),
    method: fc.record({ exact: fc.constantFrom('GET', 'POST', 'DELETE') }),
    headers: fc.dictionary(header, pattern, { minKeys: 1, maxKeys: 3 }),
    queryParams: fc.dictionary(word, pattern, { minKeys: 1, maxKeys: 3 }),
  },
  { requiredKeys: [] },
)
const operations = fc.record(
  {
    add: fc.dictionary(header, value, { maxKeys: 3 }),
    set: fc.dictionary(header, value, { maxKeys: 3 }),
    remove: fc.uniqueArray(header, { maxLength: 3 }),
  },
  { requiredKeys: [] },
)
const metadata = fc.record(
  { labels: fc.dictionary(label, word, { maxKeys: 2 }), annotations: fc.dictionary(label, text, { maxKeys: 2 }) },
  { requiredKeys: [] },
)
const seconds = fc.integer({ min: 10, max: 600 }).map((one) => `${one}s`)

/** Values that are made up, for the fields where texts and numbers are free. */
const free = {
  name: word,
  port: fc.integer({ min: 1, max: 65_535 }),
  hosts: fc.uniqueArray(
    fc.tuple(word, word).map(([one, other]) => `${one}.${other}.com`),
    { maxLength: 3 },
  ),
  match: fc.array(match, { maxLength: 3 }),
  headers: fc.record({ request: operations, response: operations }, { requiredKeys: [] }),
  rewrite: fc.record({ uri: path, authority: word.map((one) => `${one}.example.com`) }, { requiredKeys: [] }),
  timeout: seconds,
  retries: fc.record({ attempts: fc.integer({ min: 0, max: 9 }), perTryTimeout: seconds }),
  apex: metadata,
  primary: metadata,
  canary: metadata,
}

/** `spec.service` with any of its fields, from the samples that a server of this minor version takes, or made up. */
export function randomService(minor: number): fc.Arbitrary<object> {
  const fromSamples = Object.fromEntries(
    takenSamples(minor).map(([field, values]): [string, fc.Arbitrary<unknown>] => [field, fc.constantFrom(...values)]),
  )
  const mixed: Record<string, fc.Arbitrary<unknown>> = { ...fromSamples }
  for (const [field, made] of Object.entries(free)) {
    const sample = fromSamples[field]
    mixed[field] = sample === undefined ? made : fc.oneof(made, sample)
  }
  return fc.record(mixed, { requiredKeys: [] })
}
