import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const src = resolve(import.meta.dirname, '../src')

/** What each folder may import besides itself. Whoever wants more has to say so here. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  git: ['lib'],
  yaml: ['lib'],
  resources: ['lib', 'yaml'],
  rollout: ['lib'],
  ledger: ['lib', 'git', 'yaml', 'rollout'],
  source: ['lib', 'git', 'yaml', 'resources', 'config'],
  traffic: ['lib', 'resources'],
  metrics: ['lib', 'resources', 'rollout'],
  cluster: ['lib', 'resources', 'rollout', 'traffic'],
  forge: ['lib', 'git', 'rollout'],
  config: ['lib', 'yaml', 'resources'],
  server: ['lib'],
  reconciler: [
    'lib',
    'git',
    'ledger',
    'rollout',
    'resources',
    'source',
    'traffic',
    'metrics',
    'cluster',
    'forge',
    'yaml',
  ],
  playground: ['lib', 'git', 'cluster', 'metrics'],
}

/** The core decides; it must not even know the names of those who act. */
const pure = ['rollout', 'traffic', 'resources', 'ledger']

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? files(path) : path.endsWith('.ts') ? [path] : []
  })
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/(?:from|import\()\s*'([^']+)'/g)].map((match) => match[1] ?? '')
}

describe('imports', () => {
  for (const [folder, others] of Object.entries(allowed)) {
    it(`of src/${folder} point downwards only`, () => {
      const wrong = files(join(src, folder)).flatMap((file) =>
        importsOf(file)
          .filter((path) => path.startsWith('.'))
          .map((path) => relative(src, resolve(dirname(file), path)))
          .filter((path) => !path.startsWith('..'))
          .filter((path) => ![folder, ...others].includes(path.split('/')[0] ?? ''))
          .map((path) => `${relative(src, file)} imports ${path}`),
      )

      expect(wrong).toEqual([])
    })
  }

  it('of the pure folders reach no input or output', () => {
    const wrong = pure.flatMap((folder) =>
      files(join(src, folder)).flatMap((file) =>
        importsOf(file)
          .filter(
            (path) =>
              /^node:(?!crypto)/.test(path) || /octokit|undici|client-node|isomorphic-git|pino|fastify/.test(path),
          )
          .map((path) => `${relative(src, file)} imports ${path}`),
      ),
    )

    expect(wrong).toEqual([])
  })

  it('of the playground come from the commands and the tests alone', () => {
    const wrong = files(src)
      .filter((file) => !/^(cli|playground)\//.test(relative(src, file)))
      .filter((file) => importsOf(file).some((path) => path.includes('playground/')))

    expect(wrong).toEqual([])
  })

  it('cover every folder', () => {
    const folders = readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory())

    expect(
      folders
        .map(({ name }) => name)
        .filter((name) => name !== 'cli')
        .toSorted(),
    ).toEqual(Object.keys(allowed).toSorted())
  })
})
