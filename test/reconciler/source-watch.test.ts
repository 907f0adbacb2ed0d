import { describe, expect, it } from 'vitest'
import { createMemoryRemote } from '../../src/playground/git-memory.ts'
import { SourceWatch } from '../../src/reconciler/source-watch.ts'
import type { Revision } from '../../src/rollout/state.ts'
import { deployment, firstFiles, paths } from '../../src/cli/demo/files.ts'

const ada = { name: 'Ada', email: 'ada@example.com' }
const serin = { name: 'Serin', email: 'serin@localhost' }
const key = 'test/podinfo'

function world() {
  const remote = createMemoryRemote()
  const commit = (files: Readonly<Record<string, string>>, message: string, author = ada): string =>
    remote.commit('main', new Map(Object.entries(files)), message, author, 0)
  const watch = (recorded: readonly Revision[] = []): SourceWatch =>
    new SourceWatch({
      branch: remote.open('main'),
      paths: ['.'],
      recorded: () => recorded,
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    })
  const image = (tag: string, author = ada): string => commit({ [paths.deployment]: deployment(tag) }, tag, author)
  return { remote, commit, watch, image, first: commit(firstFiles(), 'Start') }
}

async function revisionOf(watch: SourceWatch): Promise<Revision | undefined> {
  return (await watch.look()).snapshot.canaries.get(key)?.revision
}

describe('reconciler/source-watch', () => {
  it('names the commit that changed the target, not an unrelated later one', async () => {
    const { watch, image, commit } = world()
    const watching = watch()
    await watching.look()
    const bump = image('6.0.1')
    commit({ 'README.md': 'another text\n' }, 'Explain')

    expect(await revisionOf(watching)).toMatchObject({ commit: bump })
  })

  it('keeps the commit of a revision whose content comes back unchanged in other commits', async () => {
    const { watch, image, commit } = world()
    const watching = watch()
    await watching.look()
    const bump = image('6.0.1')
    await watching.look()
    commit({ [paths.deployment]: `# a comment\n${deployment('6.0.1')}` }, 'Comment')

    expect(await revisionOf(watching)).toMatchObject({ commit: bump })
  })

  it('names the recorded commit after a restart', async () => {
    const { watch, image, commit } = world()
    const before = watch()
    const promoted = await revisionOf(before)
    image('6.0.1')
    const running = await revisionOf(before)
    commit({ 'README.md': 'another text\n' }, 'Explain')

    expect(await revisionOf(watch([running!, promoted!]))).toEqual(running)
  })

  it('names the commit that a person made while no Serin ran', async () => {
    const { watch, image, commit } = world()
    const promoted = await revisionOf(watch())
    const bump = image('6.0.1')
    commit({ 'README.md': 'another text\n' }, 'Explain')

    expect(await revisionOf(watch([promoted!, { commit: promoted!.commit, hash: 'another' }]))).toMatchObject({
      commit: bump,
    })
  })

  it("sees a person's retry of a failed revision although it came while no Serin ran", async () => {
    const { watch, image } = world()
    const before = watch()
    const promoted = await revisionOf(before)
    image('6.0.1')
    const failed = await revisionOf(before)
    image('6.0.0', serin)
    const retry = image('6.0.1')
    const watched = (await watch([failed!, promoted!]).look()).snapshot.canaries.get(key)

    expect(watched?.revision).toEqual({ commit: retry, hash: failed!.hash })
    expect(watched?.author).toEqual(ada)
  })

  it('tells that the branch was rewritten', async () => {
    const { watch, image, remote, first } = world()
    const watching = watch()
    image('6.0.1')
    await watching.look()
    remote.reset('main', first)
    image('6.0.2')

    expect((await watching.look()).rewritten).toBe(true)
  })
})
