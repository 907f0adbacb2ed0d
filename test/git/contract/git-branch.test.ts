import { afterAll, beforeAll, describe } from 'vitest'
import { createMemoryRemote } from '../../../src/playground/git-memory.ts'
import { alice, startGitWorld, startMs, type GitWorld } from '../world.ts'
import { branchContract } from './branch-contract.ts'

describe.each([
  { what: 'a branch over smart HTTP', oldProtocol: false },
  { what: 'a branch at a server that speaks protocol 0 only', oldProtocol: true },
])('$what', ({ oldProtocol }) => {
  let world: GitWorld
  beforeAll(async () => {
    world = await startGitWorld({ oldProtocol })
  })
  afterAll(() => world.close())

  branchContract(async (files) => {
    const repository = await world.repository(files)
    return {
      open: (branch) => world.open(repository, branch),
      force: async (tip) => void (await world.git(repository, 'update-ref', 'refs/heads/main', tip)),
    }
  })
})

describe('a branch in memory', () => {
  branchContract(async (files) => {
    const remote = createMemoryRemote()
    remote.commit('main', new Map(Object.entries(files)), 'Start', alice, startMs)
    return {
      open: (branch = 'main') => remote.open(branch),
      force: async (tip) => remote.reset('main', tip),
    }
  })
})
