import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createForge } from '../../src/playground/forge/forge.ts'
import type { PlaygroundForge, PlaygroundForgeOptions } from '../../src/playground/forge/forge.ts'
import { createBareRepository } from '../../src/playground/git-repository.ts'
import { createVirtualClock } from '../../src/playground/virtual-clock.ts'
import type { VirtualClock } from '../../src/playground/virtual-clock.ts'

export const START_MS = Date.UTC(2026, 0, 2, 3, 4, 5)

export interface Fleet {
  readonly forge: PlaygroundForge
  readonly clock: VirtualClock
  readonly repositoryPath: string
  stop(): Promise<void>
}

/** A forge with one repository, `example/fleet`, whose main branch holds `app.yaml` and `other.yaml`. */
export async function startFleet(options: Partial<PlaygroundForgeOptions> = {}): Promise<Fleet> {
  const root = await mkdtemp(join(tmpdir(), 'serin-forge-'))
  const clock = createVirtualClock(START_MS)
  const files = { 'app.yaml': 'image: 1\n', 'other.yaml': 'a: 1\n' }
  const author = { name: 'Ada', email: 'ada@example.com' }
  const repositoryPath = await createBareRepository(root, 'fleet.git', files, {
    branch: 'main',
    author,
    timeMs: START_MS,
  })
  const forge = await createForge({ repositoryPath, name: 'example/fleet', clock, ...options })
  const stop = async (): Promise<void> => {
    await forge.close()
    await rm(root, { recursive: true, force: true })
  }
  return { forge, clock, repositoryPath, stop }
}
