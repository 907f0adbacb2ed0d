import { cpus } from 'node:os'
import { fleetMemory } from './fleet-memory.ts'
import { fleetStart } from './fleet-start.ts'
import { largeRepository } from './large-repository.ts'
import { ledgerThroughput } from './ledger-throughput.ts'
import { pushToLedger } from './push-to-ledger.ts'
import { rehearsal } from './rehearsal.ts'
import { formatNumber, timedMs, type Measurement, type Row } from './row.ts'
import { steadyTick } from './steady-tick.ts'

const all: readonly Measurement[] = [
  rehearsal,
  largeRepository,
  ledgerThroughput,
  pushToLedger,
  steadyTick,
  fleetMemory,
  fleetStart,
]

/** Runs the named measurements, or all. Exit status 2 for a name that there is not. */
async function main(argv: readonly string[]): Promise<number> {
  const isJson = argv.includes('--json')
  const names = argv.filter((one) => one !== '--json')
  const unknown = names.find((name) => !all.some((one) => one.name === name))
  if (unknown !== undefined) {
    const list = all.map(({ name, description }) => `  ${name.padEnd(16)}${description}`).join('\n')
    process.stderr.write(`bench: there is no measurement ${unknown}\n\nnpm run bench -- [--json] [NAME...]\n${list}\n`)
    return 2
  }
  const rows: Row[] = []
  const ms = await timedMs(async () => {
    for (const measurement of all) {
      if (names.length > 0 && !names.includes(measurement.name)) continue
      process.stderr.write(`${measurement.name}: ${measurement.description}\n`)
      rows.push(...(await measurement.measure()))
    }
  })
  process.stdout.write(isJson ? `${JSON.stringify(rows, null, 2)}\n` : `\n${table(rows)}`)
  process.stderr.write(`\n${Math.round(ms / 1000)} s on ${cpus().length} cores, Node ${process.version}\n`)
  return 0
}

function table(rows: readonly Row[]): string {
  const cells = rows.map((one) => [
    one.name,
    `${formatNumber(one.value)} ${one.unit}`,
    one.ratio === undefined ? '' : `${formatRatio(one.ratio)} x`,
    one.against ?? '',
  ])
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)))
  return cells
    .map(([name = '', value = '', ratio = '', against = '']) =>
      `${name.padEnd(widths[0] ?? 0)}  ${value.padStart(widths[1] ?? 0)}  ${ratio.padStart(widths[2] ?? 0)}  ${against}`.trimEnd(),
    )
    .join('\n')
    .concat('\n')
}

/** Two digits that count, whatever the size. */
function formatRatio(ratio: number): string {
  return ratio === 0 || ratio >= 0.1 ? formatNumber(ratio) : ratio.toPrecision(2)
}

process.exitCode = await main(process.argv.slice(2))
