import { parseFaults, type Faults } from '../rehearsal/faults.ts'
import { play, type Moment } from '../rehearsal/play.ts'
import { exitCodes } from '../exit-codes.ts'
import { readFiles } from '../read-files.ts'

/**
 * `serin rehearse`: a first installation and one release of the given manifests, with the same code and sentences as on a
 * real cluster. Exit status 1 when the release does not end as `Succeeded`.
 */
export async function rehearse(
  paths: readonly string[],
  options: { readonly fault?: readonly string[]; readonly output: string },
): Promise<number> {
  const faults: Faults | string = parseFaults(options.fault ?? [])
  if (typeof faults === 'string') {
    process.stderr.write(`serin: ${faults}\n`)
    return exitCodes.usage
  }
  const isJson = options.output === 'json'
  const { files, problems } = await readFiles(paths)
  let part: Moment['part'] | undefined
  const result = await play(files, faults, (moment) => {
    if (isJson) return
    if (moment.part !== part) process.stdout.write(`${moment.part}\n`)
    part = moment.part
    process.stdout.write(`${formatSeconds(moment.ms)}  ${moment.key}  ${moment.text}\n`)
  })
  if (isJson) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
  else for (const { key, phase } of result.canaries) process.stdout.write(`${key}: ${phase}\n`)
  for (const problem of [...problems.map(String), ...result.problems]) process.stderr.write(`${problem}\n`)
  if (result.canaries.length === 0) process.stderr.write('serin: there is no canary to rehearse\n')
  const isGood = result.canaries.length > 0 && result.canaries.every(({ phase }) => phase === 'Succeeded')
  return isGood ? exitCodes.done : exitCodes.no
}

function formatSeconds(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  return `${String(Math.floor(seconds / 60)).padStart(3)}:${String(seconds % 60).padStart(2, '0')}`
}
