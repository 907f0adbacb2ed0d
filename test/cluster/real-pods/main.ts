import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { check } from './check.ts'
import type { Release } from './images.ts'
import { rowsOf, tableOf } from './measure.ts'
import { tell } from './story.ts'
import { startWorld } from './world.ts'

const RELEASES: readonly [Release, Release, Release] = [
  { version: '1.0.0', failPercent: 0 },
  { version: '1.1.0', failPercent: 0 },
  { version: '1.2.0', failPercent: 25 },
]

/** The demonstration, in the namespaces that `namespaces.sh` has made. Resolves to its exit status. */
async function main(directory: string, programs: string): Promise<number> {
  const world = await startWorld({ directory, programs, releases: RELEASES })
  const { timeline, mesh } = world
  const told = await tell(world, RELEASES)
  const exitCode = await world.serin.stop()
  timeline.act('What clients got')
  const rows = [told.first, told.good, told.bad].flatMap((act) => rowsOf(act, mesh.changes, told.marks, told.answers))
  const table = tableOf(rows, told.first.fromMs)
  timeline.plain(table)
  const claims = await check(world, told, rows, exitCode)
  timeline.act('Checked')
  for (const { holds, text } of claims) timeline.claim(holds, text)
  const measured = { rows, changes: mesh.changes, claims, answers: told.answers }
  writeFileSync(join(directory, 'measured.json'), JSON.stringify(measured, undefined, 1))
  const wrong = claims.filter(({ holds }) => !holds).length
  timeline.plain(wrong === 0 ? '\nAll of it held.' : `\n${wrong} of ${claims.length} claims did not hold.`)
  return wrong === 0 ? 0 : 1
}

const [directory = '', programs = ''] = process.argv.slice(2)
try {
  // Whatever is still open ends with the namespaces.
  process.exit(await main(directory, programs))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(3)
}
