import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** A folder of the process's own. It is gone when the process is, unless that is killed. */
export async function temporaryFolder(prefix: string): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), prefix))
  process.once('exit', () => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Until the returned function is called, a signal ends the process at once, by way of its exit handlers. */
export function exitOnSignals(): () => void {
  const removers = SIGNALS.map((signal) => {
    const handler = (): void => process.exit(128 + NUMBERS[signal])
    process.once(signal, handler)
    return () => process.off(signal, handler)
  })
  return () => removers.forEach((remove) => remove())
}

/** What shells add to 128 for the exit status of a process that a signal ended. */
const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const
