import { readFile } from 'node:fs/promises'
import { startSerin } from '../src/cli/serin-process.ts'
import { withDerived } from '../src/config/config.ts'
import { ConfigFile } from '../src/config/schema.ts'
import type { Logger } from '../src/reconciler/ports.ts'

/** One Serin in a process of its own, which does as its parent says: `look`, `cpu`, `memory`, `stop`. */
const [, , configPath = '', kubeconfigPath] = process.argv

const told = (level: string) => (fields: object, message: string) =>
  void process.stderr.write(`${level} ${message} ${JSON.stringify(fields)}\n`)
const log: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: told('error') }

const config = withDerived(ConfigFile.parse(JSON.parse(await readFile(configPath, 'utf8'))))
const serin = await startSerin({ config, kubeconfigPath, context: undefined, log })
process.on('message', (order) => void obey(String(order)))
// Whoever ended the parent wants no Serin left behind.
process.on('disconnect', () => process.exit())
process.send?.({ to: 'start', url: serin.url })

async function obey(order: string): Promise<void> {
  if (order === 'look') await serin.look()
  if (order === 'stop') await serin.stop()
  process.send?.({ to: order, ...cpu(), ...(order === 'memory' ? memory() : {}) })
  if (order === 'stop') process.disconnect()
}

function cpu(): { readonly cpuMs: number } {
  const { user, system } = process.cpuUsage()
  return { cpuMs: (user + system) / 1000 }
}

/** After collections that leave only what is in use. */
function memory(): { readonly rssBytes: number; readonly heapBytes: number } {
  for (let i = 0; i < 3; i += 1) globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  return { rssBytes: rss, heapBytes: heapUsed }
}
