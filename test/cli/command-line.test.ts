import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runCommandLine } from '../../src/cli/command-line.ts'

const EXAMPLE = 'manifests/examples/podinfo'

describe('the command line', () => {
  let folder = ''
  let printed = ''
  let complained = ''

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'serin-test-'))
    printed = ''
    complained = ''
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((printed += String(text)), true))
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((complained += String(text)), true))
  })

  afterEach(async () => {
    vi.restoreAllMocks()
    vi.unstubAllEnvs()
    await rm(folder, { recursive: true, force: true })
  })

  const serin = (...words: readonly string[]): Promise<number> => runCommandLine(['node', 'serin', ...words])

  const file = async (name: string, content: string | Uint8Array): Promise<string> => {
    const path = join(folder, name)
    await writeFile(path, content)
    return path
  }

  it.each([['validate'], ['rehearse'], ['status'], ['history'], ['render', '--weight', '10']])(
    'takes an unknown format of %s for wrong usage',
    async (...words) => {
      expect(await serin(...words, EXAMPLE, '--output', 'xml')).toBe(2)
      expect(complained).toContain('Allowed choices are')
    },
  )

  it('takes a limit that is no number for wrong usage', async () => {
    expect(await serin('history', '--repository', folder, '--limit', 'many')).toBe(2)
    expect(complained).toContain('--limit many is no number above 0')
  })

  it('misses a configuration file that was named', async () => {
    const path = join(folder, 'nowhere.yaml')
    expect(await serin('status', '--config', path)).toBe(3)
    expect(complained).toContain(`${path}: can not be read (ENOENT)`)
  })

  it('takes a wrong configuration for wrong usage, and lists its faults without mixing up their hints', async () => {
    const path = await file('serin.yaml', 'repositry:\n  url: http://localhost/x\nmetricsServer: 3\n')
    expect(await serin('status', '--config', path)).toBe(2)
    expect(complained.trim().split('\n').length).toBeGreaterThan(1)
    expect(complained.trim()).not.toMatch(/SERIN_REPOSITORY_URL[^\n]*\)$/)
  })

  it('does not call a file good that it can not read', async () => {
    expect(await serin('validate', await file('a.yaml', Uint8Array.of(0x61, 0xff, 0xfe)))).toBe(1)
    expect(printed).toContain('a.yaml: is no UTF-8 text')
    expect(await serin('validate', await file('notes.txt', 'hello'))).toBe(1)
    expect(printed).toContain('notes.txt: is no manifest')
  })

  it('says how much it validated', async () => {
    expect(await serin('validate', EXAMPLE)).toBe(0)
    expect(complained).toBe('5 files, 4 objects, 1 canary: all good\n')
  })

  it('says why there is nothing to rehearse', async () => {
    expect(await serin('rehearse', await file('broken.yaml', 'apiVersion: v1\nkind: [\n'))).toBe(1)
    expect(complained).toContain('broken.yaml:')
    expect(complained).toContain('there is no canary to rehearse')
  })

  it('says which target a rehearsal misses', async () => {
    expect(await serin('rehearse', `${EXAMPLE}/apps/podinfo/canary.yaml`)).toBe(1)
    expect(complained).toMatch(/canary\.yaml:\d+:\d+: .*podinfo/)
  })

  it('does not play the demo into a folder that holds something', async () => {
    await mkdir(join(folder, 'fleet.git'))
    expect(await serin('demo', '--out', folder)).toBe(2)
    expect(complained).toContain('is not empty')
  })

  it('says that git is missing where it is needed', async () => {
    vi.stubEnv('PATH', folder)
    expect(await serin('demo')).toBe(3)
    expect(complained).toContain('git is not installed, or is not on PATH')
    expect(await serin('status', '--repository', folder)).toBe(3)
  })

  it('says how a ledger comes into a clone', async () => {
    const { createBareRepository } = await import('../../src/playground/git-repository.ts')
    const author = { name: 'Ada', email: 'ada@example.com' }
    const path = await createBareRepository(
      folder,
      'fleet.git',
      { a: 'b' },
      {
        branch: 'main',
        author,
        timeMs: 0,
        message: 'Start\n',
      },
    )
    expect(await serin('status', '--repository', path, '--ledger', 'serin/x')).toBe(3)
    expect(complained).toContain('git fetch origin serin/x:serin/x')
  })
})
