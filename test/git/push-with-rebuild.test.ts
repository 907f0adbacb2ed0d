import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pushWithRebuild, type RebuildResult } from '../../src/git/push-with-rebuild.ts'
import type { GitBranch, Oid } from '../../src/git/types.ts'
import { systemClock, type Clock } from '../../src/lib/clock.ts'
import { createMemoryRemote, type MemoryFault } from '../../src/playground/git-memory.ts'
import type { GitServerFault } from '../../src/playground/git-server.ts'
import { alice, pull, startGitWorld, startMs, type GitWorld } from './world.ts'

/** Waits no time at all, but lets others run. */
const impatient: Clock = { ...systemClock, sleep: () => new Promise((resolve) => setImmediate(resolve)) }

/** Adds a line to a shared log and one to a counter: a lost or doubled commit shows in both. */
function addLine(branch: GitBranch, line: string): (tip: Oid | null) => Promise<Oid | null> {
  return async (tip) => {
    const log = tip === null ? '' : ((await branch.read(tip, 'log')) ?? '')
    const changes = new Map([['log', `${log}${line}\n`]])
    return branch.make({ parent: tip, changes, message: `Add ${line}`, author: alice, timeMs: startMs })
  }
}

async function write(branch: GitBranch, lines: readonly string[], clock: Clock, random: () => number): Promise<void> {
  let tip = await pull(branch)
  for (const line of lines) {
    const result = await pushWithRebuild(branch, tip, addLine(branch, line), { clock, random, attempts: 200 })
    expect(result.kind).toBe('landed')
    if (result.kind === 'landed') tip = result.tip
  }
}

describe('pushing with rebuilds over HTTP', () => {
  let world: GitWorld
  let fault: () => GitServerFault | undefined = () => undefined
  beforeAll(async () => {
    world = await startGitWorld({ fault: (request) => (request.isPush ? fault() : undefined) })
  })
  afterAll(() => world.close())

  it('loses no commit of eight writers and makes none twice, even when answers are cut', async () => {
    const repository = await world.repository({ log: '' })
    let pushes = 0
    fault = () => {
      pushes += 1
      if (pushes % 5 === 0) return { kind: 'cut', when: 'after' }
      return pushes % 7 === 0 ? { kind: 'cut', when: 'before' } : undefined
    }
    const linesOf = (name: string, i: number): string[] => (i < 2 ? [`${name}-a`, `${name}-b`] : [`${name}-a`])
    const names = Array.from({ length: 8 }, (_, i) => `writer-${i}`)
    await Promise.all(names.map((name, i) => write(world.open(repository), linesOf(name, i), systemClock, Math.random)))

    const lines = (await world.git(repository, 'show', 'main:log')).trim().split('\n')
    expect(lines.toSorted()).toEqual(names.flatMap(linesOf))
    const subjects = (await world.git(repository, 'log', '--format=%s', '--reverse', 'main')).trim().split('\n')
    expect(subjects.slice(1)).toEqual(lines.map((line) => `Add ${line}`))
    expect(await world.git(repository, 'fsck', '--strict', '--full', '--no-dangling')).toBe('')
  }, 60_000)
})

describe('pushing with rebuilds', () => {
  it('loses nothing and doubles nothing, whatever happens to requests and answers', async () => {
    const faults = fc.array(fc.constantFrom<MemoryFault>('pass', 'pass', 'fail', 'lose-answer', 'late'), {
      minLength: 1,
      maxLength: 60,
    })
    await fc.assert(
      fc.asyncProperty(faults, fc.integer({ min: 1, max: 4 }), async (script, writers) => {
        let step = 0
        let armed = false
        const intercept = (): MemoryFault => {
          step += 1
          return (armed ? script[step] : undefined) ?? 'pass'
        }
        const remote = createMemoryRemote({ intercept })
        remote.commit('main', new Map([['log', '']]), 'Start', alice, startMs)
        const branches = Array.from({ length: writers }, () => remote.open('main'))
        for (const branch of branches) await pull(branch)
        armed = true
        await Promise.all(
          branches.map(async (branch, i) => {
            const tip = remote.log('main')[0]!.oid
            const options = { clock: impatient, random: () => 0.5, attempts: 200 }
            const result = await pushWithRebuild(branch, tip, addLine(branch, `line-${i}`), options)
            expect(result.kind).toBe('landed')
          }),
        )
        const lines = remote.files('main').get('log')?.trim().split('\n').toSorted()
        expect(lines).toEqual(branches.map((_, i) => `line-${i}`))
        expect(remote.log('main')).toHaveLength(writers + 1)
      }),
      { numRuns: 200 },
    )
  })

  const once = async (
    intercept: () => MemoryFault,
    attempts = 3,
    refuse?: () => string | undefined,
  ): Promise<{ result: RebuildResult; remote: ReturnType<typeof createMemoryRemote> }> => {
    let armed = false
    const remote = createMemoryRemote({
      intercept: () => (armed ? intercept() : 'pass'),
      ...(refuse === undefined ? {} : { refuse }),
    })
    remote.commit('main', new Map([['log', '']]), 'Start', alice, startMs)
    const branch = remote.open('main')
    const tip = await pull(branch)
    armed = true
    const options = { clock: impatient, random: () => 0, attempts }
    const result = await pushWithRebuild(branch, tip, addLine(branch, 'x'), options)
    return { result, remote }
  }

  it('gives up after so many attempts and says why and what may still land', async () => {
    const { result, remote } = await once(() => 'fail')
    expect(result).toMatchObject({ kind: 'gave-up', message: expect.stringContaining('reached') })
    expect(result.kind === 'gave-up' && result.pending).toMatch(/^[0-9a-f]{40}$/)
    expect(remote.log('main')).toHaveLength(1)
  })

  it('finds out that the last attempt landed although its answer was lost', async () => {
    const { result, remote } = await once(() => (remoteTurn() ? 'lose-answer' : 'pass'), 1)
    expect(result).toEqual({ kind: 'landed', tip: remote.tip('main') })
  })

  it('hands on a refusal at once', async () => {
    const { result } = await once(
      () => 'pass',
      3,
      () => 'protected branch',
    )
    expect(result).toEqual({ kind: 'refused', code: 'GIT_PUSH_REFUSED', message: 'protected branch' })
  })

  it('stops when the change turns out to be there already', async () => {
    const remote = createMemoryRemote()
    remote.commit('main', new Map([['log', '']]), 'Start', alice, startMs)
    const branch = remote.open('main')
    const tip = await pull(branch)
    remote.commit('main', new Map([['log', 'x\n']]), 'By a person', alice, startMs)
    const build = async (on: Oid | null): Promise<Oid | null> =>
      on !== null && (await branch.read(on, 'log')) === 'x\n' ? null : addLine(branch, 'x')(on)
    const options = { clock: impatient, random: () => 0, attempts: 3 }
    expect(await pushWithRebuild(branch, tip, build, options)).toEqual({ kind: 'nothing' })
    expect(remote.log('main')).toHaveLength(2)
  })

  it('ends when it is told to', async () => {
    const remote = createMemoryRemote({ intercept: () => 'fail' })
    remote.commit('main', new Map([['log', '']]), 'Start', alice, startMs)
    const branch = remote.open('none')
    const signal = AbortSignal.abort(new Error('shutting down'))
    const options = { clock: systemClock, random: () => 0, attempts: 100, signal }
    await expect(pushWithRebuild(branch, null, addLine(branch, 'x'), options)).rejects.toThrow('shutting down')
  })
})

/** True the first time it is asked. */
const remoteTurn = ((): (() => boolean) => {
  let asked = false
  return () => {
    const first = !asked
    asked = true
    return first
  }
})()
