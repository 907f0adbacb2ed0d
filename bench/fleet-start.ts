import { idleFleet, type IdleFleet } from './idle-fleet.ts'
import { row, type Measurement, type Row } from './row.ts'

/** What it takes to start with many canaries, for the first time and again. */
export const fleetStart: Measurement = {
  name: 'fleet-start',
  description: 'first start and restart of a process with 1,000 canaries against one with 1',
  async measure() {
    const one = await idleFleet(1)
    const many = await idleFleet(1000)
    const compare = (name: string, unit: string, read: (fleet: IdleFleet) => number): Row =>
      row(`${name}, 1,000 canaries`, read(many), unit, { name: '1 canary', value: read(one) })
    return [
      compare('first start until all are initialised', 'ms', (fleet) => fleet.firstStartMs),
      compare("first start, Serin's own processor time", 'ms', (fleet) => fleet.firstStartCpuMs),
      compare('restart until nothing is left to do', 'ms', (fleet) => fleet.restartMs),
      compare("restart, Serin's own processor time", 'ms', (fleet) => fleet.restartCpuMs),
      compare('restart: API', 'requests', (fleet) => fleet.restartApiRequests),
      compare('restart: Git', 'requests', (fleet) => fleet.restartGitRequests),
    ]
  },
}
