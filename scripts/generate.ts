// Writes every generated file of the repository; with --check it only names the stale ones and exits 1 if there are any.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { generatedFiles } from './generate/files.ts'

const isCheck = process.argv.includes('--check')
const stale: string[] = []
for (const [path, text] of await generatedFiles()) {
  const url = new URL(`../${path}`, import.meta.url)
  const present = await readFile(url, 'utf8').catch(() => undefined)
  if (present === text) continue
  stale.push(path)
  if (isCheck) continue
  await mkdir(dirname(url.pathname), { recursive: true })
  await writeFile(url, text)
}
for (const path of stale) console.log(isCheck ? `${path} is stale: npm run generate` : `wrote ${path}`)
if (isCheck && stale.length > 0) process.exitCode = 1
