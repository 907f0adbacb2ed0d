import { idleFleet } from './idle-fleet.ts'
import type { Measurement, Row } from './row.ts'

/** What a look costs when nothing has changed. */
export const steadyTick: Measurement = {
  name: 'steady-tick',
  description: 'requests of a look at both branches when nothing has changed',
  async measure() {
    const rows: Row[] = []
    for (const size of [1, 100, 1000]) {
      const fleet = await idleFleet(size)
      const name = `steady tick, ${size.toLocaleString('en')} idle ${size === 1 ? 'canary' : 'canaries'}`
      rows.push({ name: `${name}: API`, value: fleet.apiRequestsPerTick, unit: 'requests' })
      const against = 'one tip question per branch: 2 requests'
      rows.push({
        name: `${name}: Git`,
        value: fleet.gitRequestsPerTick,
        unit: 'requests',
        against,
        ratio: fleet.gitRequestsPerTick / 2,
      })
    }
    return rows
  },
}
