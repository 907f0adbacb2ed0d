import { idleFleet } from './idle-fleet.ts'
import { row, type Measurement } from './row.ts'

const MEBIBYTE = 1024 * 1024

/** What idle canaries take of memory. */
export const fleetMemory: Measurement = {
  name: 'memory',
  description: 'memory of a process with 1,000 idle canaries against one with 1',
  async measure() {
    const one = await idleFleet(1)
    const many = await idleFleet(1000)
    const name = '1 canary'
    const perCanary = (many.heapBytes - one.heapBytes) / (many.canaries - one.canaries)
    return [
      row('resident memory, 1,000 idle canaries', many.rssBytes / MEBIBYTE, 'MiB', {
        name,
        value: one.rssBytes / MEBIBYTE,
      }),
      row('heap after collection, 1,000 idle canaries', many.heapBytes / MEBIBYTE, 'MiB', {
        name,
        value: one.heapBytes / MEBIBYTE,
      }),
      { name: 'heap for each further canary', value: perCanary / 1024, unit: 'KiB' },
    ]
  },
}
