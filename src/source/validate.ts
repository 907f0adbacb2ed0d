import { Problem } from '../lib/problem.ts'
import { configFileProblems } from '../config/load.ts'
import { canariesIn } from './canaries.ts'
import { readManifestTexts } from './manifests.ts'

/**
 * Everything that is wrong with some files, read as the reconciler reads them: manifests, and configuration files named
 * `serin.yaml`. In the order of their places. Nothing is wrong when the list is empty.
 */
export function validateFiles(files: readonly { readonly path: string; readonly text: string }[]): readonly Problem[] {
  const configs = files.filter(({ path }) => /(?:^|\/)serin\.ya?ml$/.test(path))
  const read = readManifestTexts(files.filter((file) => !configs.includes(file)))
  const found = canariesIn(read.manifests)
  const problems = [
    ...configs.flatMap((file) => [...configFileProblems(file)]),
    ...read.problems,
    ...found.problems,
    ...found.canaries.flatMap((source) => [...source.problems]),
  ]
  const once = new Map(problems.map((problem) => [problem.toString(), problem]))
  return [...once.values()].toSorted(byPlace)
}

function byPlace(a: Problem, b: Problem): number {
  const [fileA, lineA, columnA] = partsOf(a.place)
  const [fileB, lineB, columnB] = partsOf(b.place)
  if (fileA !== fileB) return fileA < fileB ? -1 : 1
  return lineA - lineB || columnA - columnB
}

function partsOf(place = ''): [file: string, line: number, column: number] {
  const [, file, line, column] = /^(.*):([0-9]+):([0-9]+)$/.exec(place) ?? []
  return file === undefined ? [place, 0, 0] : [file, Number(line), Number(column)]
}
