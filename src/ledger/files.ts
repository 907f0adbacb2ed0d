import { z } from 'zod'
import { isObject } from '../lib/json.ts'
import type { KubeObject } from '../lib/kube-object.ts'
import { Problem } from '../lib/problem.ts'
import type { Promoted } from '../rollout/state.ts'
import { readDocuments } from '../yaml/read.ts'
import { writeYaml } from '../yaml/write.ts'
import type { CanaryKey, LedgerEntry } from './entry.ts'
import { parseStatusFile, statusFile } from './status-file.ts'

/** The files of a canary's folder. */
export const ledgerFiles = ['status.yaml', 'promoted.yaml', 'primary.yaml', 'routes.yaml'] as const
export type LedgerFile = (typeof ledgerFiles)[number]

const PromotedFile = z.object({
  commit: z.string(),
  hash: z.string(),
  attempt: z.number().int().min(1),
  pullRequest: z.string().optional(),
  before: z.array(z.string()),
})

/** An entry as text, file by file. The same entry always gives the same bytes. */
export function entryFiles(entry: LedgerEntry): Readonly<Record<LedgerFile, string>> {
  return {
    'status.yaml': writeYaml(statusFile(entry.state)),
    'promoted.yaml': writeYaml({ ...entry.promoted }),
    'primary.yaml': documents(entry.primary),
    'routes.yaml': documents(entry.routes),
  }
}

/**
 * The entry that a folder's files hold. Throws a Problem (`stalled`, LEDGER_UNREADABLE) with the file and what is wrong
 * with it when a person's edit left something that is none.
 */
export function parseEntry(key: CanaryKey, files: Readonly<Record<LedgerFile, string | null>>): LedgerEntry {
  const read = <T>(file: LedgerFile, parse: (values: readonly unknown[]) => T): T => {
    const text = files[file]
    if (text === null) throw unreadable(key, file, 'the file is missing')
    const { documents: found, problems } = readDocuments(text, `${key}/${file}`)
    if (problems[0] !== undefined) throw unreadable(key, file, problems[0].message, problems[0])
    try {
      return parse(found.map((document) => document.value))
    } catch (error) {
      throw unreadable(key, file, error instanceof z.ZodError ? z.prettifyError(error) : String(error), error)
    }
  }
  return {
    state: read('status.yaml', ([value]) => parseStatusFile(value)),
    promoted: read('promoted.yaml', ([value]) => JSON.parse(JSON.stringify(PromotedFile.parse(value))) as Promoted),
    primary: read('primary.yaml', (values) => values.map(kubeObject)),
    routes: read('routes.yaml', (values) => values.map(kubeObject)),
  }
}

function documents(objects: readonly KubeObject[]): string {
  return objects.map((object) => writeYaml(object)).join('---\n')
}

function kubeObject(value: unknown): KubeObject {
  const metadata = isObject(value) ? value['metadata'] : undefined
  if (!isObject(value) || typeof value['kind'] !== 'string' || typeof value['apiVersion'] !== 'string') {
    throw new TypeError('a document is no Kubernetes object')
  }
  if (!isObject(metadata) || typeof metadata['name'] !== 'string') throw new TypeError('an object has no name')
  return {
    ...value,
    apiVersion: value['apiVersion'],
    kind: value['kind'],
    metadata: { ...metadata, name: metadata['name'] },
  }
}

function unreadable(key: CanaryKey, file: LedgerFile, message: string, cause?: unknown): Problem {
  return new Problem({
    kind: 'stalled',
    code: 'LEDGER_UNREADABLE',
    place: `${key}/${file}`,
    message: message.replaceAll('\n', '; '),
    hint: 'revert the commit that changed it',
    cause,
  })
}
