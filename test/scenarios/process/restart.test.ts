import { createHmac } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { buildIfOld, startChild, type Child } from './child.ts'
import { deployment, fleet, paths } from './fleet.ts'
import { namespace } from '../namespace.ts'
import { createWorld, WEBHOOK_SECRET, type World } from './world.ts'

let world: World
let child: Child | undefined
const names = ['term', 'kill', 'calm']

beforeAll(async () => {
  await buildIfOld()
  world = await createWorld({ files: () => fleet(names) })
  child = startChild(world)
  await Promise.all(names.map((name) => world.untilPhase(name, 'Initialized')))
}, 90_000)

afterEach(() => {
  if (child !== undefined) world.log.push({ level: '', text: child.output(), place: '', code: '', canary: '' })
})

afterAll(async () => {
  child?.signal('SIGKILL')
  await child?.ended
  await world.close()
})

function bump(name: string, tag: string): Promise<number> {
  return world.merge(`Bump ${name} to ${tag}`, { [paths.deployment(name)]: deployment(name, { tag }) })
}

/** The weights that clients of a canary see, from now on, each change once. */
function watchWeights(name: string): { readonly seen: number[]; stop(): void } {
  const seen = [world.weight(name)]
  const stop = world.cluster.onChange(() => {
    if (world.weight(name) !== seen.at(-1)) seen.push(world.weight(name))
  })
  return { seen, stop }
}

describe('a process that is ended in the middle of a rollout', { timeout: 90_000 }, () => {
  test.each([
    ['term', 'SIGTERM', 0],
    ['kill', 'SIGKILL', 'SIGKILL'],
  ] as const)('%s: the next one goes on from the head of the ledger', async (name, signal, code) => {
    const pull = await bump(name, '1.1.0')
    const weights = watchWeights(name)
    await world.until('it gets traffic', () => world.weight(name) === 25)
    const startMs = Date.now()
    child?.signal(signal)
    expect(await child?.ended).toBe(code)
    if (signal === 'SIGTERM') {
      expect(Date.now() - startMs).toBeLessThan(8000)
      expect(child?.output()).toContain('"msg":"stopped"')
    }
    const weight = world.weight(name)
    child = startChild(world)
    await world.untilPhase(name, 'Succeeded', '1.1.0')
    weights.stop()
    expect(weight).toBeGreaterThan(0)
    expect(weights.seen).toEqual([0, 25, 50, 0])
    const ledger = await world.ledger(name)
    expect(new Set(ledger).size).toBe(ledger.length)
    expect(await world.git('show', `serin/demo:${namespace}/${name}/status.yaml`)).toMatch(/^attempt: 1$/m)
    await world.until('the comment says so', () =>
      world.comments(pull).join().includes(`${name}.${namespace}: Succeeded`),
    )
    expect(world.comments(pull)).toHaveLength(1)
    // What happened before the new process started is still in the comment.
    expect(world.comments(pull)[0]).toContain(`New revision detected! Scaling up ${name}.${namespace}`)
    expect(world.comments(pull)[0]).toContain(`Advance ${name}.${namespace} canary weight 25`)
    expect(child.output()).not.toMatch(/"level":"error"|"code":"UNEXPECTED"/)
  })
})

describe('a running process', { timeout: 90_000 }, () => {
  test('looks at once on SIGHUP', async () => {
    const main = await world.git('rev-parse', 'main')
    // No announcement comes with a push that goes past the forge.
    await pushSilently('calm', '1.1.0')
    expect(await world.git('rev-parse', 'main')).not.toBe(main)
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(child?.output()).not.toContain('New revision detected! Scaling up calm.' + namespace)
    child?.signal('SIGHUP')
    await world.untilPhase('calm', 'Succeeded', '1.1.0')
  })

  test('refuses a push webhook with a wrong signature, and follows one with the right one', async () => {
    await pushSilently('calm', '1.2.0')
    const { port } = world.config.server
    const body = JSON.stringify({ ref: 'refs/heads/main', repository: { full_name: 'demo/fleet' } })
    const post = async (secret: string | undefined): Promise<number> => {
      const signature = secret && `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
      const headers = { 'content-type': 'application/json', ...(signature && { 'x-hub-signature-256': signature }) }
      return (await fetch(`http://127.0.0.1:${port}/webhooks/push`, { method: 'POST', headers, body })).status
    }
    expect([await post('wrong'), await post(undefined)]).toEqual([401, 401])
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(world.phase('calm')).toBe('Succeeded')
    expect(await post(WEBHOOK_SECRET)).toBe(202)
    await world.untilPhase('calm', 'Succeeded', '1.2.0')
  })

  test('ends with 0 on SIGTERM while nothing happens', async () => {
    child?.signal('SIGTERM')
    expect(await child?.ended).toBe(0)
  })
})

/** Moves main to a commit of its own, made with Git alone. */
async function pushSilently(name: string, tag: string): Promise<void> {
  const text = deployment(name, { tag })
  await world.commit(paths.deployment(name), text, `Bump ${name} to ${tag}`)
}
