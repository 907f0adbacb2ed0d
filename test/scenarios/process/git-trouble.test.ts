import { writeFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { canary, deployment, fleet, paths } from './fleet.ts'
import { namespace } from '../namespace.ts'
import { createWorld, GIT_TOKEN, type World } from './world.ts'

let world: World

beforeAll(async () => {
  world = await createWorld({ files: () => fleet(['steady', 'one', 'two']) })
}, 60_000)

afterAll(async () => {
  await world.close()
})

afterEach(() => {
  world.trouble.git = undefined
  world.trouble.api = undefined
})

function bump(name: string, tag: string): Promise<number> {
  return world.merge(`Bump ${name} to ${tag}`, { [paths.deployment(name)]: deployment(name, { tag }) })
}

describe('trouble with Git is told with its place, and nothing is lost by it', { timeout: 90_000 }, () => {
  test('wrong credentials at start: the process stays up, says why, and goes on when the token file is corrected', async () => {
    await writeFile(world.tokenPath, 'wrong-token\n')
    await world.start()
    const line = world.logged('GIT_AUTH_DENIED', 'fleet.git')
    expect(line?.level).toBe('error')
    expect(world.serin?.ready()).toMatchObject({ ok: false })
    expect(world.serin?.ready().reasons.join()).toContain('denies access (HTTP 401)')
    const ready = await fetch(`${world.serin?.url}/readyz`)
    expect(ready.status).toBe(503)
    expect(JSON.stringify([world.log, await ready.json()])).not.toContain('wrong-token')

    await writeFile(world.tokenPath, `${GIT_TOKEN}\n`)
    for (const name of ['steady', 'one', 'two']) await world.untilPhase(name, 'Initialized')
    expect(world.serin?.ready()).toEqual({ ok: true, reasons: [] })
    // Told once, however often it was tried.
    expect(world.log.filter(({ code }) => code === 'GIT_AUTH_DENIED')).toHaveLength(1)
  })

  test('a remote that is away for a while in the middle of a rollout: no weight is raised without Git, then it ends well', async () => {
    const pull = await bump('one', '1.1.0')
    await world.until('one gets traffic', () => world.weight('one') === 25)
    world.trouble.git = () => ({ kind: 'cut', when: 'before' })
    await world.until('the status says so', () =>
      world.condition('one', 'Stalled').startsWith('True LEDGER_UNREACHABLE'),
    )
    await world.until('an event says so', () => world.events('one').some((text) => text.includes('serin/demo')))
    expect(world.weight('one')).toBe(25)
    await world.serin?.look()
    expect(world.logged('GIT_UNREACHABLE', 'fleet.git')?.level).toBe('error')

    world.trouble.git = undefined
    await world.untilPhase('one', 'Succeeded', '1.1.0')
    expect(world.condition('one', 'Stalled')).toMatch(/^False/)
    await world.until('the comment says so', () => world.comments(pull).join().includes(`one.${namespace}: Succeeded`))
    const ledger = await world.ledger('one')
    expect(ledger.filter((subject) => subject === `Advance one.${namespace} canary weight 50`)).toHaveLength(1)
  })

  test('a ledger edited into nonsense is answered by a commit that restores it; the commit of the person stays', async () => {
    await bump('two', '1.1.0')
    await world.until('two gets traffic', () => world.weight('two') > 0)
    const nonsense = await world.forge.push(
      { [`${namespace}/two/status.yaml`]: 'phase: [oops\n', [`${namespace}/two/routes.yaml`]: 'nothing' },
      'Tidy up',
      'mallory',
      'serin/demo',
    )
    await world.untilPhase('two', 'Succeeded', '1.1.0')
    await world.until('the edit is answered', async () => {
      const ledger = await world.ledger('two')
      return ledger.indexOf(`Keep ${namespace}/two as recorded`) > ledger.indexOf('Tidy up')
    })
    expect(await world.ledger('two')).toContain('Tidy up')
    const answer = await world.git('log', '--format=%b', `--grep=Keep ${namespace}/two`, 'serin/demo')
    expect(answer).toContain(`${namespace}/two/status.yaml`)
    await expect(world.git('merge-base', '--is-ancestor', nonsense, 'serin/demo')).resolves.toBe('')
    expect(await world.git('show', `serin/demo:${namespace}/two/status.yaml`)).toContain('phase: Succeeded')
  })

  test('a ledger that was edited into nonsense while no Serin ran is restored at start', async () => {
    await world.stop()
    await world.forge.push({ [`${namespace}/two/status.yaml`]: '{{{' }, 'Scribble', 'mallory', 'serin/demo')
    await world.start()
    await world.until('it is restored', async () =>
      (await world.git('show', `serin/demo:${namespace}/two/status.yaml`)).includes('phase: Succeeded'),
    )
    await bump('two', '1.2.0')
    await world.untilPhase('two', 'Succeeded', '1.2.0')
  })

  test('a rewritten source branch freezes what runs at its weight, until a commit decides; the others go on', async () => {
    const before = await world.git('rev-parse', 'main')
    // In small steps, so that it still runs when the branch is rewritten, however busy the machine is.
    await world.merge('Bump one in small steps', {
      [paths.deployment('one')]: deployment('one', { tag: '1.2.0' }),
      [paths.canary('one')]: canary('one', { stepWeight: 2 }),
    })
    await world.until('one gets traffic', () => world.weight('one') > 0)
    // The merge is gone from the branch, and another commit is there instead.
    await world.git('update-ref', 'refs/heads/main', `${before}^`)
    await world.forge.push({ 'README.md': 'rewritten\n' }, 'Rewrite history', 'ada')
    const says = (): boolean => world.events('one').some((text) => text.includes('Source branch main was rewritten'))
    await world.until('an event says so', says)
    const frozenAt = world.weight('one')
    expect(frozenAt).toBeLessThan(50)
    expect(world.log.find(({ text }) => text.includes(`was rewritten: ${namespace}/one`))?.level).toBe('warn')

    await bump('steady', '1.1.0')
    await world.untilPhase('steady', 'Succeeded', '1.1.0')
    expect(world.weight('one')).toBe(frozenAt)
    expect(world.phase('one')).toBe('Progressing')

    await bump('one', '1.3.0')
    await world.untilPhase('one', 'Succeeded', '1.3.0')
  })
})
