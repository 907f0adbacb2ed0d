import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { paths } from './fleet.ts'
import { openStage, type Stage } from './stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await openStage({ password: {}, protected: { isMeasured: true }, killed: {}, locked: {}, closed: {} })
}, 180_000)

afterAll(async () => {
  await stage?.close()
}, 60_000)

/** Ends the server's processes behind a hook, as a machine that runs out of memory does: receive-pack and http-backend. */
const KILL = 'read -r _ _ _ backend _ < /proc/$PPID/stat; kill -9 $PPID $backend'

async function arm(flag: string): Promise<void> {
  await writeFile(join(stage.repository.path, flag), '')
}

function isThere(file: string): boolean {
  return existsSync(join(stage.repository.path, file))
}

async function begin(name: string): Promise<void> {
  await stage.release(name, '1.1.0')
  await stage.until('it has traffic', () => stage.weights(name).includes(10))
}

/** The rollout went every step once, in the cluster and in the ledger. */
async function expectWholeRollout(name: string): Promise<void> {
  await stage.until('it is promoted', () => stage.phase(name) === 'Succeeded')
  expect(stage.weights(name)).toEqual([0, 10, 20, 30, 40, 50, 0])
  const advances = (await stage.subjects(name)).filter((subject) => subject.startsWith('Advance'))
  expect(advances).toEqual(
    [10, 20, 30, 40, 50].map((weight) => `Advance ${name}.${stage.namespace} canary weight ${weight}`),
  )
}

/** Serin has told that it can't go on, and the canary gets no more traffic than is recorded. */
async function expectStandstill(name: string, code: string): Promise<void> {
  await stage.until('the status says so', () => stage.condition(name, 'Stalled').includes(code))
  const recorded = (await stage.subjects(name)).findLast((subject) => subject.startsWith('Advance'))
  expect(recorded).toMatch(new RegExp(`weight ${stage.weights(name).at(-1)}$`))
}

describe('trouble with a real Git server: nothing is lost or done twice', { timeout: 240_000 }, () => {
  test('a password that is refused in the middle of a rollout: it stands still until the right one is there', async () => {
    const { serin, repository } = stage
    await begin('password')
    await serin.setPassword('an-old-password')
    await expectStandstill('password', 'GIT_AUTH_DENIED')
    expect(serin.log.find(({ code }) => code === 'GIT_AUTH_DENIED')?.place).toContain('fleet.git')
    expect(JSON.stringify([serin.log, serin.ready()])).not.toContain('an-old-password')

    await serin.setPassword(repository.serin.password)
    await expectWholeRollout('password')
    expect(stage.condition('password', 'Stalled')).toMatch(/^False/)
  })

  test('a protected main: the ledger tells why the failed release is still there, and the canary is off', async () => {
    const { repository, ledger, namespace } = stage
    const isSerins = `[ "$(git log -1 --format=%ce "$new")" = ${stage.serin.config.identity.email} ]`
    await repository.hook(
      'pre-receive',
      `while read -r old new ref; do
  if [ "$ref" = refs/heads/main ] && ${isSerins}; then echo 'main takes reviewed changes only' >&2; exit 1; fi
done`,
    )
    const merged = await stage.release('protected', '1.1.0')
    await stage.until('it is rolled back', () => stage.phase('protected') === 'Failed')
    const sentence = `Could not revert protected.${namespace} on main: the server refused the push:`
    await stage.until('the ledger says so', async () =>
      (await stage.subjects('protected')).some((subject) => subject.startsWith(sentence)),
    )
    const subjects = (await stage.subjects('protected')).filter((subject) => subject.startsWith(sentence))
    expect(subjects).toHaveLength(1)
    expect(subjects[0]).toContain('main takes reviewed changes only')
    expect(stage.weights('protected')).toEqual([0, 10, 0])
    const status = await repository.git('show', `${ledger}:${namespace}/protected/status.yaml`)
    expect(status).toContain('rung: status-only')
    expect(await repository.git('show', `main:${paths.deployment('protected')}`)).toContain('1.1.0')
    expect(await repository.git('rev-parse', 'main')).toBe(merged)
    await repository.hook('pre-receive', undefined)
  })

  test('http-backend killed before the branch moves, and after it: the same commits, once', async () => {
    const { repository } = stage
    await begin('killed')
    for (const hook of ['pre-receive', 'post-receive']) {
      await repository.hook(hook, `[ -e ${hook}-kills ] || exit 0; rm ${hook}-kills; ${KILL}`)
      await arm(`${hook}-kills`)
    }
    await expectWholeRollout('killed')
    for (const hook of ['pre-receive', 'post-receive']) {
      expect(isThere(`${hook}-kills`)).toBe(false)
      await repository.hook(hook, undefined)
    }
  })

  test('a push that died and left its lock: Serin says what is stuck, and goes on when an admin removes it', async () => {
    const { repository, ledger } = stage
    await begin('locked')
    await repository.hook(
      'reference-transaction',
      `[ "$1" = prepared ] && [ -e lock-kills ] || exit 0; rm lock-kills; ${KILL}`,
    )
    await arm('lock-kills')
    await stage.until('the lock is left', () => isThere(`refs/heads/${ledger}.lock`))
    await repository.hook('reference-transaction', undefined)
    await expectStandstill('locked', 'LEDGER_REFUSED')
    expect(stage.condition('locked', 'Stalled')).toContain('a stale lock may be left there')

    await rm(join(repository.path, `refs/heads/${ledger}.lock`))
    await expectWholeRollout('locked')
  })

  test('a server that takes no pushes any more: it stands still until it does again', async () => {
    const { repository } = stage
    await begin('closed')
    await repository.git('config', 'http.receivepack', 'false')
    await expectStandstill('closed', 'GIT_AUTH_DENIED')
    await repository.git('config', 'http.receivepack', 'true')
    await expectWholeRollout('closed')
  })
})
