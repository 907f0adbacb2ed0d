import { canariesIn } from '../../source/canaries.ts'
import { readManifestTexts } from '../../source/manifests.ts'
import { validateFiles } from '../../source/validate.ts'
import { exitCodes } from '../exit-codes.ts'
import { readFiles } from '../read-files.ts'

/** `serin validate`: every fault as `file:line:column: what (hint)`. Exit status 1 when there is one. */
export async function validate(paths: readonly string[], options: { readonly output: string }): Promise<number> {
  const files = await readFiles(paths)
  const problems = validateFiles(files)
  if (options.output === 'json') {
    const rows = problems.map(({ kind, code, place, message, hint }) => ({ kind, code, place, message, hint }))
    process.stdout.write(`${JSON.stringify({ files: files.length, problems: rows }, null, 2)}\n`)
  } else {
    for (const problem of problems) process.stdout.write(`${problem.toString()}\n`)
    const { canaries } = canariesIn(readManifestTexts(files).manifests)
    const found = `${files.length} files, ${canaries.length} canaries`
    process.stderr.write(problems.length === 0 ? `${found}: all good\n` : `${found}: ${problems.length} problems\n`)
  }
  return problems.length === 0 ? exitCodes.done : exitCodes.no
}
