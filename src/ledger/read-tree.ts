import type { GitBranch, Oid } from '../git/types.ts'
import { Problem, toProblem } from '../lib/problem.ts'
import { keyOfPath, splitKey, type CanaryKey, type LedgerEntry } from './entry.ts'
import { ledgerFiles, parseEntry, type LedgerFile } from './files.ts'

/** Reads every canary's folder in a ledger commit; a folder that holds no entry gives its Problem. */
export async function readLedger(branch: GitBranch, commit: Oid): Promise<Map<CanaryKey, LedgerEntry | Problem>> {
  const texts = new Map<CanaryKey, Record<LedgerFile, string | null>>()
  for (const { path, oid } of await branch.files(commit, [''])) {
    const key = keyOfPath(path)
    const file = ledgerFiles.find((name) => path.endsWith(`/${name}`))
    if (key === undefined || file === undefined) continue
    const files = texts.get(key) ?? noFiles()
    files[file] = await branch.text(oid)
    texts.set(key, files)
  }
  return new Map([...texts].map(([key, files]) => [key, parseOrProblem(key, files)]))
}

/** Reads one canary's folder in a ledger commit. Null when the commit has no such folder. */
export async function readFolder(
  branch: GitBranch,
  commit: Oid,
  key: CanaryKey,
): Promise<LedgerEntry | Problem | null> {
  const files = noFiles()
  for (const file of ledgerFiles) files[file] = await branch.read(commit, `${key}/${file}`)
  if (ledgerFiles.every((file) => files[file] === null)) return null
  return parseOrProblem(key, files)
}

/** The canaries whose folders differ between two ledger commits. */
export async function changedKeys(branch: GitBranch, from: Oid, to: Oid): Promise<ReadonlySet<CanaryKey>> {
  const keys = (await branch.changedPaths(from, to)).map(keyOfPath)
  return new Set(keys.filter((key) => key !== undefined && splitKey(key).name !== '') as CanaryKey[])
}

function noFiles(): Record<LedgerFile, string | null> {
  return { 'status.yaml': null, 'promoted.yaml': null, 'primary.yaml': null, 'routes.yaml': null }
}

function parseOrProblem(key: CanaryKey, files: Record<LedgerFile, string | null>): LedgerEntry | Problem {
  try {
    return parseEntry(key, files)
  } catch (error) {
    return toProblem(error)
  }
}
