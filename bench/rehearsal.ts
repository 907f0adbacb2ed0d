import { fileURLToPath } from 'node:url'
import { readFiles } from '../src/cli/read-files.ts'
import { play } from '../src/cli/rehearsal/play.ts'
import { median, timedMs, type Measurement } from './row.ts'

const RUNS = 5

/** How much faster than time a rehearsal is. */
export const rehearsal: Measurement = {
  name: 'rehearsal',
  description: 'virtual time of a rehearsed release against the time that it takes',
  async measure() {
    const { files } = await readFiles([fileURLToPath(new URL('../manifests/examples/podinfo/apps', import.meta.url))])
    const faults = { errorRate: 0, latencyMs: undefined, neverReady: false, gitDownMs: 0, apiErrors: 0 }
    const durations: number[] = []
    let virtualMs = 0
    for (let run = 0; run < RUNS; run += 1) {
      durations.push(
        await timedMs(async () => {
          const { canaries, moments } = await play(files, faults, () => {})
          if (canaries.length === 0 || canaries.some(({ phase }) => phase !== 'Succeeded'))
            throw new Error('no success')
          virtualMs = moments.at(-1)?.ms ?? 0
        }),
      )
    }
    const ms = median(durations)
    const against = `the release's own time: ${Math.round(virtualMs / 1000).toLocaleString('en')} s`
    return [
      { name: 'rehearsal of podinfo, installation included', value: ms, unit: 'ms', against, ratio: ms / virtualMs },
    ]
  },
}
