import { afterAll, beforeAll, expect, test } from 'vitest'
import { deployment, fleet, paths } from './fleet.ts'
import { createWorld, type World } from './world.ts'

let world: World

beforeAll(async () => {
  const files: Record<string, string> = {}
  for (let nth = 0; nth < 10_000; nth++) {
    // A third of them among the manifests, where each has to be looked into.
    const folder = nth % 3 === 0 ? 'apps/others' : 'docs'
    const name = `${folder}/${nth % 100}/file-${nth}.${nth % 2 === 0 ? 'yaml' : 'md'}`
    files[name] = `# file ${nth}\nvalues:\n  - number: ${nth}\n`
  }
  world = await createWorld({ files: () => ({ ...fleet(['one']), ...files }) })
}, 60_000)

afterAll(async () => {
  await world.close()
})

test(
  'a repository of 10,000 other files starts within seconds and releases its canary',
  { timeout: 60_000 },
  async () => {
    const startMs = Date.now()
    await world.start()
    const startedMs = Date.now() - startMs
    await world.untilPhase('one', 'Initialized')
    const bumpedMs = Date.now()
    await world.merge('Bump one', { [paths.deployment('one')]: deployment('one', { tag: '1.1.0' }) })
    await world.until('the rollout is seen', () => world.phase('one') === 'Progressing')
    const seenMs = Date.now() - bumpedMs
    console.info(`10,000 files: start with the first look ${startedMs} ms, merge to first transition ${seenMs} ms`)
    await world.untilPhase('one', 'Succeeded', '1.1.0')
    expect(startedMs).toBeLessThan(15_000)
    // That a rollout halts for a moment on a busy machine is no trouble.
    expect(world.log.filter(({ level, text }) => level !== 'info' && !text.startsWith('Halt'))).toEqual([])
  },
)
