import { describe, expect, test } from 'vitest'
import { entryFiles } from '../../src/ledger/files.ts'
import { createMemoryRemote } from '../../src/playground/git-memory.ts'
import { createVirtualClock } from '../../src/playground/virtual-clock.ts'
import {
  ada,
  at,
  BRANCH,
  CART,
  change,
  isOnServer,
  keeperOn,
  ledgerOf,
  personWrites,
  personWritesText,
  poll,
  record,
  SHOP,
  START_MS,
  started,
  subjects,
} from '../support/ledger-server.ts'
import { ledgerEntry, primaryOf } from '../support/ledger-world.ts'
import { revision } from '../support/rollout-world.ts'

describe('reconciler/ledger-keeper', () => {
  test('begins the branch with the first change', async () => {
    const ledger = await started(keeperOn(createMemoryRemote(), createVirtualClock(START_MS)))
    expect(ledger.keeper.tip).toBeNull()

    const recorded = await record(ledger, change(SHOP, at(20), 'New Deployment detected'))

    expect(recorded).toEqual({ kind: 'recorded', commits: [ledger.remote.tip(BRANCH)] })
    expect(ledger.keeper.tip).toBe(ledger.remote.tip(BRANCH))
    expect(subjects(ledger)).toEqual(['New Deployment detected'])
    expect(isOnServer(ledger, SHOP, at(20))).toBe(true)
    expect(ledger.keeper.entry(SHOP)).toEqual(at(20))
  })

  test('goes on from the head when it is started anew, and needs no history for it', async () => {
    const ledger = await ledgerOf([SHOP, CART])
    await record(ledger, change(SHOP, at(30)))

    const next = await started(keeperOn(ledger.remote, ledger.clock))

    expect(next.keeper.keys().toSorted()).toEqual([CART, SHOP])
    expect(next.keeper.entry(SHOP)).toEqual(at(30))
    expect(next.keeper.entry(CART)).toEqual(at(20))
    expect(await record(next, change(CART, at(40)))).toMatchObject({ kind: 'recorded' })
  })

  test('records changes of many canaries that fall together with one push, each with its own commit', async () => {
    const keys = Array.from({ length: 20 }, (_, index) => `test/shop-${index}`)
    const ledger = await ledgerOf(keys)
    const pushes = ledger.remote.requests('push')

    const all = keys.map((key) => ledger.keeper.record(change(key, at(30))))
    await ledger.clock.run(20_000)
    const recorded = await Promise.all(all)

    expect(ledger.remote.requests('push')).toBe(pushes + 1)
    expect(subjects(ledger).slice(-20)).toEqual(keys.map((key) => `Advance ${key}`))
    const newest = ledger.remote
      .log(BRANCH)
      .slice(-20)
      .map((commit) => commit.oid)
    expect(recorded.map((one) => (one.kind === 'recorded' ? one.commits : []))).toEqual(newest.map((oid) => [oid]))
    for (const key of keys) expect(isOnServer(ledger, key, at(30))).toBe(true)
  })

  test('makes a change of two commits in its order', async () => {
    const ledger = await ledgerOf([SHOP])
    const [one, two] = [change(SHOP, at(30), 'First'), change(SHOP, at(40), 'Second')]

    const recorded = await record(ledger, { ...two, commits: [...one.commits, ...two.commits] })

    expect(subjects(ledger).slice(-2)).toEqual(['First', 'Second'])
    expect(recorded).toMatchObject({ kind: 'recorded', commits: { length: 2 } })
  })

  test('pushes no more often than the interval, but a rollback at once and what waits with it', async () => {
    const ledger = await ledgerOf([SHOP, CART])
    const { clock, keeper, remote } = ledger
    await record(ledger, change(SHOP, at(30)))
    const pushes = remote.requests('push')

    void keeper.record(change(CART, at(30)))
    await clock.run(5000)
    expect(remote.requests('push')).toBe(pushes)

    void keeper.record(change(SHOP, ledgerEntry({ phase: 'Failed', canaryWeight: 0 }), 'Rolling back', true))
    await clock.run(0)
    expect(remote.requests('push')).toBe(pushes + 1)
    expect(subjects(ledger).slice(-2)).toEqual([`Advance ${CART}`, 'Rolling back'])
  })

  test("builds its change again on somebody else's commit that concerns another canary", async () => {
    const ledger = await ledgerOf([SHOP, CART])
    const foreign = personWritesText(ledger, 'README.md', 'Hello\n')

    const recorded = await record(ledger, change(SHOP, at(30)))

    expect(recorded).toMatchObject({ kind: 'recorded' })
    expect(ledger.remote.log(BRANCH).at(-1)?.parents).toEqual([foreign])
    expect(ledger.remote.files(BRANCH).get('README.md')).toBe('Hello\n')
    expect(isOnServer(ledger, SHOP, at(30))).toBe(true)
  })

  test("drops its change when a person's edit of the same canary comes first, and takes the edit for an order", async () => {
    const ledger = await ledgerOf([SHOP])
    const foreign = personWrites(ledger, SHOP, at(10))

    const recorded = await record(ledger, change(SHOP, at(30)))

    expect(recorded).toEqual({ kind: 'superseded' })
    expect(ledger.keeper.order(SHOP)).toEqual({ kind: 'rollback', commit: foreign })
    expect(ledger.keeper.entry(SHOP)).toEqual(at(20))
    expect(ledger.edited).toEqual([SHOP])
    expect(ledger.remote.tip(BRANCH)).toBe(foreign)
  })

  test('records the other changes of a push of which one is superseded', async () => {
    const ledger = await ledgerOf([SHOP, CART])
    personWrites(ledger, SHOP, at(10))

    const [shop, cart] = [ledger.keeper.record(change(SHOP, at(30))), ledger.keeper.record(change(CART, at(30)))]
    await ledger.clock.run(20_000)

    expect(await shop).toEqual({ kind: 'superseded' })
    expect(await cart).toMatchObject({ kind: 'recorded' })
    expect(isOnServer(ledger, CART, at(30))).toBe(true)
    expect(isOnServer(ledger, SHOP, at(10))).toBe(true)
  })

  test('an order is answered by the change that follows it', async () => {
    const ledger = await ledgerOf([SHOP])
    personWrites(ledger, SHOP, at(10))
    await poll(ledger)
    const failed = ledgerEntry({ phase: 'Failed', canaryWeight: 0 })

    const recorded = await record(ledger, change(SHOP, failed, 'Rolling back', true))

    expect(recorded).toMatchObject({ kind: 'recorded' })
    expect(ledger.keeper.order(SHOP)).toBeUndefined()
    expect(isOnServer(ledger, SHOP, failed)).toBe(true)
  })

  test('a revert of a promotion is an order that holds the content of the revision before', async () => {
    const ledger = await ledgerOf([])
    const served = { ...ledgerEntry({}, { ...revision('b'), before: ['a-hash'] }), primary: primaryOf('b') }
    await record(ledger, change(SHOP, served))

    const foreign = personWrites(ledger, SHOP, { ...served, promoted: ledgerEntry().promoted, primary: primaryOf('a') })
    await poll(ledger)

    expect(ledger.keeper.order(SHOP)).toMatchObject({ kind: 'restore', commit: foreign, promoted: { hash: 'a-hash' } })
    expect(ledger.keeper.orderedEntry(SHOP)?.primary).toEqual(primaryOf('a'))
    expect(ledger.keeper.entry(SHOP)).toEqual(served)
  })

  test('adopts the commits of another Serin with the same identity as what is recorded', async () => {
    const ledger = await ledgerOf([SHOP, CART])
    const other = await started(keeperOn(ledger.remote, ledger.clock))
    await record(other, change(SHOP, at(30)))

    await poll(ledger)

    expect(ledger.keeper.entry(SHOP)).toEqual(at(30))
    expect(ledger.keeper.order(SHOP)).toBeUndefined()
    expect(ledger.edited).toEqual([SHOP])
  })

  test('of two Serins that decide on the same entry only one records its change', async () => {
    const ledger = await ledgerOf([SHOP])
    const other = await started(keeperOn(ledger.remote, ledger.clock))

    const both = [ledger.keeper.record(change(SHOP, at(30))), other.keeper.record(change(SHOP, at(40)))]
    await ledger.clock.run(60_000)
    const kinds = (await Promise.all(both)).map((one) => one.kind)

    expect(kinds.toSorted()).toEqual(['recorded', 'superseded'])
    expect(subjects(ledger)).toHaveLength(2)
    await poll(ledger)
    await poll(other)
    const winner = at(kinds[0] === 'recorded' ? 30 : 40)
    expect(ledger.keeper.entry(SHOP)).toEqual(winner)
    expect(other.keeper.entry(SHOP)).toEqual(winner)
  })

  test.each(['fail', 'lose-answer', 'late'] as const)(
    'records a change exactly once when its push meets "%s"',
    async (fault) => {
      let faults = 0
      const ledger = await ledgerOf([SHOP], {
        intercept: (operation) => (operation === 'push' && faults-- > 0 ? fault : 'pass'),
      })
      faults = 1

      const recorded = await record(ledger, change(SHOP, at(30), 'Once'))

      expect(recorded).toMatchObject({ kind: 'recorded' })
      expect(subjects(ledger).filter((subject) => subject === 'Once')).toHaveLength(1)
      expect(isOnServer(ledger, SHOP, at(30))).toBe(true)
    },
  )

  test('says so when the server cannot be reached, and records the change when it can again', async () => {
    let isDown = false
    const ledger = await ledgerOf([SHOP], { intercept: () => (isDown ? 'fail' : 'pass') })
    isDown = true

    await expect(record(ledger, change(SHOP, at(30)))).rejects.toMatchObject({
      code: 'LEDGER_UNREACHABLE',
      kind: 'retry',
    })
    expect(ledger.keeper.entry(SHOP)).toEqual(at(20))

    isDown = false
    expect(await record(ledger, change(SHOP, at(30)))).toMatchObject({ kind: 'recorded' })
  })

  test('names a branch that it may not push to, with what to do', async () => {
    let isProtected = false
    const ledger = await ledgerOf([SHOP], { refuse: () => (isProtected ? 'protected branch' : undefined) })
    isProtected = true

    await expect(record(ledger, change(SHOP, at(30)))).rejects.toMatchObject({
      code: 'LEDGER_REFUSED',
      kind: 'stalled',
      place: BRANCH,
      hint: 'let the identity push to this branch',
    })
  })
})

describe('reconciler/ledger-keeper, mistakes of others', () => {
  test.each([
    ['text that is no status', 'status.yaml', 'hello: [\n'],
    ['a deleted file', 'routes.yaml', null],
    ['a higher weight', 'status.yaml', entryFiles(at(90))['status.yaml']],
  ])('%s is answered with a commit that restores what is recorded and says why', async (_name, file, text) => {
    const ledger = await ledgerOf([SHOP])
    const foreign = personWritesText(ledger, `${SHOP}/${file}`, text)

    await poll(ledger)
    await ledger.clock.run(60_000)

    const answer = ledger.remote.log(BRANCH).at(-1)
    expect(answer?.parents).toEqual([foreign])
    expect(answer?.message).toMatch(/^Keep test\/shop as recorded\n\n.+\n\nCanary: test\/shop\n$/)
    expect(isOnServer(ledger, SHOP, at(20))).toBe(true)
    expect(ledger.keeper.order(SHOP)).toBeUndefined()
  })

  test('a deleted folder comes back', async () => {
    const ledger = await ledgerOf([SHOP])
    const paths = [...ledger.remote.files(BRANCH).keys()].map((path) => [path, null] as const)
    ledger.remote.commit(BRANCH, new Map(paths), 'Clean up\n', ada, START_MS)

    await poll(ledger)
    await ledger.clock.run(60_000)

    expect(isOnServer(ledger, SHOP, at(20))).toBe(true)
  })

  test('an edit that was taken back before anybody saw it means nothing', async () => {
    const ledger = await ledgerOf([SHOP])
    personWrites(ledger, SHOP, at(10))
    const tip = personWrites(ledger, SHOP, at(20), 'Revert')

    await poll(ledger)
    await ledger.clock.run(60_000)

    expect(ledger.keeper.order(SHOP)).toBeUndefined()
    expect(ledger.remote.tip(BRANCH)).toBe(tip)
  })

  test("another file or canary's folder is left alone", async () => {
    const ledger = await ledgerOf([SHOP])
    const tip = personWritesText(ledger, 'notes/about/it.md', 'x\n')

    await poll(ledger)
    await ledger.clock.run(60_000)

    expect(ledger.remote.tip(BRANCH)).toBe(tip)
    expect(ledger.edited).toEqual([])
  })

  test('a change that waits for its push is not undone by the answer to a mistake', async () => {
    const ledger = await ledgerOf([SHOP])
    await record(ledger, change(SHOP, at(30)))
    const waiting = ledger.keeper.record(change(SHOP, at(40)))
    personWritesText(ledger, `${SHOP}/status.yaml`, 'hello: [\n')

    await poll(ledger)
    await ledger.clock.run(60_000)

    expect(await waiting).toMatchObject({ kind: 'recorded' })
    expect(ledger.keeper.entry(SHOP)).toEqual(at(40))
    expect(isOnServer(ledger, SHOP, at(40))).toBe(true)
    expect(subjects(ledger).slice(-2)).toEqual([`Keep ${SHOP} as recorded`, `Advance ${SHOP}`])
  })
})

describe('reconciler/ledger-keeper, a person who pushes first', () => {
  test('gets an answer to a mistake before the transition that lost the race, in the same push', async () => {
    const ledger = await ledgerOf([SHOP])
    const pushes = ledger.remote.requests('push')
    // The keeper has not looked: its push meets the edit at the server.
    personWritesText(ledger, `${SHOP}/primary.yaml`, 'nonsense: [\n')

    const recorded = await record(ledger, change(SHOP, at(30)))

    expect(recorded).toMatchObject({ kind: 'recorded' })
    expect(subjects(ledger).slice(-2)).toEqual([`Keep ${SHOP} as recorded`, `Advance ${SHOP}`])
    expect(isOnServer(ledger, SHOP, at(30))).toBe(true)
    expect(ledger.remote.requests('push')).toBe(pushes + 2)
    await ledger.clock.run(60_000)
    expect(subjects(ledger).filter((subject) => subject.startsWith('Keep'))).toHaveLength(1)
  })

  test('gets that answer later when Git can not be reached now', async () => {
    let isAway = false
    const ledger = await ledgerOf([SHOP], {
      intercept: (operation) => (isAway && operation === 'push' ? 'fail' : 'pass'),
    })
    personWritesText(ledger, `${SHOP}/status.yaml`, 'hello: [\n')
    isAway = true
    await poll(ledger)
    await ledger.clock.run(120_000)
    expect(ledger.logged.some((line) => line.startsWith('could not restore what is recorded'))).toBe(true)

    isAway = false
    await poll(ledger)
    await ledger.clock.run(60_000)

    expect(subjects(ledger).at(-1)).toBe(`Keep ${SHOP} as recorded`)
    expect(isOnServer(ledger, SHOP, at(20))).toBe(true)
  })
})

describe('reconciler/ledger-keeper, a damaged branch', () => {
  test('that was deleted at the server comes back with everything that is recorded', async () => {
    const ledger = await ledgerOf([SHOP, CART])
    ledger.remote.reset(BRANCH, null)
    await poll(ledger)

    const recorded = await record(ledger, change(SHOP, at(30)))

    expect(recorded).toMatchObject({ kind: 'recorded' })
    expect(subjects(ledger)).toEqual([`Restore the ledger ${BRANCH}`, `Advance ${SHOP}`])
    expect(isOnServer(ledger, SHOP, at(30))).toBe(true)
    expect(isOnServer(ledger, CART, at(20))).toBe(true)
  })

  test('that is found deleted by a push comes back the same way', async () => {
    const ledger = await ledgerOf([SHOP, CART])
    ledger.remote.reset(BRANCH, null)

    expect(await record(ledger, change(SHOP, at(30)))).toMatchObject({ kind: 'recorded' })
    expect(isOnServer(ledger, CART, at(20))).toBe(true)
  })

  test('that was put back by one weight is an order to roll back, not a loss', async () => {
    const ledger = await ledgerOf([SHOP])
    const older = ledger.remote.tip(BRANCH)
    await record(ledger, change(SHOP, at(30)))
    ledger.remote.reset(BRANCH, older)

    await poll(ledger)

    expect(ledger.keeper.order(SHOP)).toEqual({ kind: 'rollback', commit: older })
    expect(ledger.keeper.entry(SHOP)).toEqual(at(30))
  })

  test('that was put back without harm goes on: the next change is recorded on the new tip', async () => {
    const ledger = await ledgerOf([SHOP, CART])
    const older = ledger.remote.tip(BRANCH)
    personWritesText(ledger, 'README.md', 'Hello\n')
    await poll(ledger)
    ledger.remote.reset(BRANCH, older)

    expect(await record(ledger, change(CART, at(30)))).toMatchObject({ kind: 'recorded' })
    expect(isOnServer(ledger, CART, at(30))).toBe(true)
  })

  test('that holds nonsense at the start is read from the newest commit that held an entry, and repaired', async () => {
    const ledger = await ledgerOf([SHOP, CART])
    await record(ledger, change(SHOP, at(30)))
    personWritesText(ledger, `${SHOP}/status.yaml`, 'hello: [\n')
    personWritesText(ledger, `${SHOP}/promoted.yaml`, null)

    const next = await started(keeperOn(ledger.remote, ledger.clock))
    expect(next.keeper.entry(SHOP)).toEqual(at(30))
    expect(next.keeper.entry(CART)).toEqual(at(20))

    await ledger.clock.run(60_000)
    expect(isOnServer(ledger, SHOP, at(30))).toBe(true)
    expect(subjects(ledger).at(-1)).toBe(`Keep ${SHOP} as recorded`)
  })

  test("a person's revert while no Serin runs is an order at the next start, not the state", async () => {
    const ledger = await ledgerOf([SHOP, CART])
    await record(ledger, change(SHOP, at(30)))
    const foreign = personWrites(ledger, SHOP, at(20), 'Revert "Advance"')
    personWritesText(ledger, 'README.md', 'Hello\n')

    const next = await started(keeperOn(ledger.remote, ledger.clock))

    expect(next.keeper.entry(SHOP)).toEqual(at(30))
    expect(next.keeper.order(SHOP)).toEqual({ kind: 'rollback', commit: foreign })
    expect(next.keeper.tip).toBe(ledger.remote.tip(BRANCH))
  })

  test('a start whose head is a transition asks for no history', async () => {
    const ledger = await ledgerOf([SHOP])
    const fetches = ledger.remote.requests('fetch')

    await started(keeperOn(ledger.remote, ledger.clock))

    expect(ledger.remote.requests('fetch')).toBe(fetches + 1)
  })

  test('that never held an entry of a canary names the problem, and takes no other for it', async () => {
    const ledger = await ledgerOf([CART])
    personWritesText(ledger, `${SHOP}/status.yaml`, 'hello: [\n')

    const next = await started(keeperOn(ledger.remote, ledger.clock))

    expect(next.keeper.entry(SHOP)).toBeUndefined()
    expect(next.keeper.problem(SHOP)).toMatchObject({ code: 'LEDGER_UNREADABLE', kind: 'stalled' })
    expect(next.keeper.entry(CART)).toEqual(at(20))
  })
})
