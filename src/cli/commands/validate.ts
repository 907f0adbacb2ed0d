import { canariesIn } from '../../source/canaries.ts'
import { readManifestTexts } from '../../source/manifests.ts'
import { validateFiles } from '../../source/validate.ts'
import { exitCodes } from '../exit-codes.ts'
import { readFiles } from '../read-files.ts'

/** `serin validate`: every fault as `file:line:column: what (hint)`. Exit status 1 when there is one. */
export async function validate(paths: readonly string[], options: { readonly output: string }): Promise<number> {
  const { files, problems: unreadable } = await readFiles(paths)
  const problems = [...unreadable, ...validateFiles(files)]
  if (options.output === 'json') {
    const rows = problems.map(({ kind, code, place, message, hint }) => ({ kind, code, place, message, hint }))
    process.stdout.write(`${JSON.stringify({ files: files.length, problems: rows }, null, 2)}\n`)
  } else {
    for (const problem of problems) process.stdout.write(`${problem.toString()}\n`)
    const { manifests } = readManifestTexts(files)
    const found = [
      count(files.length, 'file', 'files'),
      count(manifests.length, 'object', 'objects'),
      count(canariesIn(manifests).canaries.length, 'canary', 'canaries'),
    ].join(', ')
    const verdict = problems.length === 0 ? 'all good' : count(problems.length, 'problem', 'problems')
    process.stderr.write(`${found}: ${verdict}\n`)
  }
  return problems.length === 0 ? exitCodes.done : exitCodes.no
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`
}
