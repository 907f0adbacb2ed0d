import { performance } from 'node:perf_hooks'
import { prepareSerin, startSerinChild, untilAtRest, type SerinChild } from './serin-process.ts'
import { startWorld, type World } from './world.ts'

/** What a Serin costs whose canaries all rest. */
export interface IdleFleet {
  readonly canaries: number
  /** From the start of the process on an empty cluster until every canary is initialised, recorded and at rest. */
  readonly firstStartMs: number
  /** Processor time of that, in Serin alone. */
  readonly firstStartCpuMs: number
  /** From the start of a new process in a folder that holds the clones until it is ready and has nothing left to do. */
  readonly restartMs: number
  readonly restartCpuMs: number
  readonly restartApiRequests: number
  readonly restartGitRequests: number
  readonly apiRequestsPerTick: number
  readonly gitRequestsPerTick: number
  readonly rssBytes: number
  readonly heapBytes: number
}

const TICKS = 10
const measured = new Map<number, Promise<IdleFleet>>()

/** Measures a fleet of so many canaries; several measurements in one run share it. */
export function idleFleet(canaries: number): Promise<IdleFleet> {
  const known = measured.get(canaries) ?? measure(canaries)
  measured.set(canaries, known)
  return known
}

async function measure(canaries: number): Promise<IdleFleet> {
  await prepareSerin()
  const world = await startWorld(canaries)
  const running: SerinChild[] = []
  const start = async (): Promise<SerinChild> => {
    const serin = await startSerinChild(world)
    running.push(serin)
    return serin
  }
  try {
    const first = await untilStarted(world, start)
    await running.pop()?.stop()
    const before = requestsOf(world)
    const again = await untilStarted(world, start)
    const restarted = requestsOf(world)
    for (let i = 0; i < TICKS; i += 1) await again.serin.look()
    const ticked = requestsOf(world)
    const { rssBytes, heapBytes } = await again.serin.memory()
    return {
      canaries,
      firstStartMs: first.ms,
      firstStartCpuMs: first.cpuMs,
      restartMs: again.ms,
      restartCpuMs: again.cpuMs,
      restartApiRequests: restarted.api - before.api,
      restartGitRequests: restarted.git - before.git,
      apiRequestsPerTick: (ticked.api - restarted.api) / TICKS,
      gitRequestsPerTick: (ticked.git - restarted.git) / TICKS,
      rssBytes,
      heapBytes,
    }
  } finally {
    await Promise.all(running.map((serin) => serin.stop()))
    await world.close()
  }
}

function requestsOf(world: World): { readonly api: number; readonly git: number } {
  return { api: world.apiRequests(), git: world.gitRequests() }
}

/** Starts a Serin; the time up to its last request, and the processor time that it took. */
async function untilStarted(
  world: World,
  start: () => Promise<SerinChild>,
): Promise<{ readonly ms: number; readonly cpuMs: number; readonly serin: SerinChild }> {
  const startMs = performance.now()
  const serin = await start()
  const lastMs = await untilAtRest(serin, world, () => world.isSettled())
  return { ms: lastMs - startMs, cpuMs: await serin.cpuMs(), serin }
}
