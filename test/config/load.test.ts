import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { describeConfig } from '../../src/config/describe.ts'
import { configFileProblems, loadConfig } from '../../src/config/load.ts'
import { attributeOf, flagOf, OPTIONS, variableOf } from '../../src/config/options.ts'
import { forgeToken, repositoryCredentials, webhookSecret } from '../../src/config/secrets.ts'

const url = 'https://github.com/example/fleet.git'

function load(text: string, env: Record<string, string> = {}, flags: Record<string, unknown> = {}): Config {
  const { config, problems } = loadConfig({ file: { path: 'serin.yaml', text }, env, flags })
  if (config === undefined) throw new Error(problems.map(String).join('\n'))
  return config
}
const problemsOf = (text: string, env: Record<string, string> = {}, flags: Record<string, unknown> = {}): string[] =>
  (loadConfig({ file: { path: 'serin.yaml', text }, env, flags }).problems ?? []).map(String)

describe('config/load', () => {
  it('has a default for everything but the address of the repository', () => {
    expect(load(`repository: { url: ${url} }`)).toEqual({
      repository: { url, branch: 'main', paths: ['.'], poll: '*/30 * * * * *' },
      cluster: { name: 'default', namespaces: [] },
      ledger: { branch: 'serin/default', pushIntervalMs: 0 },
      rollback: { mode: 'commit' },
      identity: { name: 'Serin', email: 'serin@localhost' },
      forge: { kind: 'github', apiUrl: 'https://api.github.com', repository: 'example/fleet' },
      metricsServer: 'http://prometheus:9090',
      provider: 'istio',
      minimumInterval: '10s',
      minimumIntervalMs: 10_000,
      dataDirectory: '.serin',
      server: { host: '0.0.0.0', port: 8080 },
      log: { level: 'info' },
    })
  })

  it('says how to give the address of the repository when it is missing', () => {
    const hint = '(set it in serin.yaml, as SERIN_REPOSITORY_URL or with --repository-url)'

    expect(loadConfig({ env: {}, flags: {} }).problems?.map(String)).toEqual([
      `configuration: repository.url: is missing ${hint}`,
    ])
    expect(problemsOf('# empty\n')).toEqual([`serin.yaml: repository.url: is missing ${hint}`])
    expect(problemsOf('repository:\n  branch: x\n')).toEqual([`serin.yaml:1:1: repository.url: is missing ${hint}`])
  })

  it('takes the namespaces as a list, from a variable too, and refuses what can be no namespace', () => {
    expect(load(`repository: { url: ${url} }\ncluster: { namespaces: [a, b-1] }`).cluster.namespaces).toEqual([
      'a',
      'b-1',
    ])
    const env = { SERIN_CLUSTER_NAMESPACES: 'team-a, team-b' }
    expect(load(`repository: { url: ${url} }`, env).cluster.namespaces).toEqual(['team-a', 'team-b'])
    expect(problemsOf(`repository: { url: ${url} }\ncluster:\n  namespaces: [test, Not_One]`)).toEqual([
      'serin.yaml:3:22: cluster.namespaces[1]: "Not_One" is no name of a namespace',
    ])
  })

  it('lets a variable win over the file and a flag over both', () => {
    const text = `repository: { url: ${url}, branch: a, paths: [x] }\nserver: { port: 1 }`
    const env = {
      SERIN_REPOSITORY_BRANCH: 'b',
      SERIN_REPOSITORY_PATHS: 'apps, infra',
      SERIN_SERVER_PORT: '2',
      SERIN_LOG_LEVEL: '',
    }

    const config = load(text, env, { serverPort: '3', clusterName: 'prod' })

    expect(config.repository).toMatchObject({ branch: 'b', paths: ['apps', 'infra'] })
    expect(config.server.port).toBe(3)
    expect(config.ledger.branch).toBe('serin/prod')
  })

  it('follows one naming scheme for keys, variables and flags', () => {
    const option = OPTIONS.find(({ key }) => key === 'repository.tokenFile')!

    expect([variableOf(option), flagOf(option), attributeOf(option)]).toEqual([
      'SERIN_REPOSITORY_TOKEN_FILE',
      '--repository-token-file',
      'repositoryTokenFile',
    ])
  })

  it('takes every setting of the table from a variable', () => {
    const known = new Set(Object.keys(describeConfig(load(`repository: { url: ${url} }`))))
    for (const { key } of OPTIONS) expect(known).toContain(key.split('.')[0])
    for (const option of OPTIONS) {
      const env = { SERIN_REPOSITORY_URL: url, [variableOf(option)]: ' ' }
      const problems = loadConfig({ env, flags: {} }).problems ?? []
      expect(problems.map(({ code }) => code)).not.toContain('FIELD_UNKNOWN')
    }
  })

  it.each([
    ['repositry: {}', 'serin.yaml:1:1: repositry: unknown field (did you mean repository?)'],
    [`repository: { url: ${url}, pol: x }`, 'repository.pol: unknown field (did you mean poll?)'],
    [`repository: { url: ${url}, poll: every minute }`, 'repository.poll: "every minute" is no cron schedule'],
    ['repository: { url: "git@github.com:a/b" }', 'repository.url: "git@github.com:a/b" is no http or https address'],
    [
      `repository: { url: ${url} }\nrollback: { mode: comit }`,
      'rollback.mode: unknown value "comit" (did you mean commit?)',
    ],
    [`repository: { url: ${url} }\nserver: { port: 70000 }`, 'serin.yaml:2:17: server.port: 70000 is more than 65535'],
    [`repository: { url: ${url} }\nminimumInterval: soon`, 'minimumInterval: "soon" is no duration'],
    [`repository: { url: ${url} }\nprovider: istios`, 'provider: unknown value "istios" (did you mean istio?)'],
    [`repository: { url: ${url}, branch: "a b" }`, 'repository.branch: "a b" is no name that a branch can have'],
    [`repository: { url: ${url} }\nledger: { branch: main }`, 'ledger.branch: is the source branch too'],
    [`repository: { url: ${url}, token: a, tokenFile: b }`, 'repository.tokenFile: repository.token is set too'],
    ['repository: { url: "https://git.example.com/x" }\nforge: { kind: github }', 'forge.repository: can not be told'],
    [
      'repository: { url: "https://git.example.com/x" }\nrollback: { mode: pull-request }',
      'unknown value "pull-request"',
    ],
    ['- a', 'serin.yaml:1:1: must be a map'],
    [`repository: { url: ${url} }\n---\na: 1`, 'serin.yaml:3:1: must be one document'],
    ['a: [', 'serin.yaml:1:5: '],
    ['repository: text', 'serin.yaml:1:13: repository: must be a map, not "text"'],
    ['a: 1\na: 2', 'serin.yaml:2:1: map keys must be unique'],
  ])('says what is wrong in %j', (text, message) => {
    expect(problemsOf(text).join('\n')).toContain(message)
  })

  it('names the variable or the flag that is wrong', () => {
    expect(problemsOf(`repository: { url: ${url} }`, { SERIN_SERVER_PORT: 'x' })).toEqual([
      'SERIN_SERVER_PORT: server.port: must be a number, not "x"',
    ])
    expect(problemsOf(`repository: { url: ${url} }`, {}, { logLevel: 'loud' })[0]).toMatch(/^--log-level: log.level: /)
  })

  it('never shows a secret', () => {
    const secret = 'hunter2-hunter2'
    const texts = [
      ...problemsOf(`repository: { url: "https://me:${secret}@git.example.com/x" }`),
      ...problemsOf(`repository: { url: "ftp://me:${secret}@git.example.com/x" }`),
      ...problemsOf(`repository: { url: ${url}, token: [${secret}] }`),
      ...problemsOf(`repository: { url: ${url}, token: ${secret}, tokenFile: x }`),
      ...problemsOf(`repository: { url: ${url}, token: 12345678 }`),
      JSON.stringify(
        describeConfig(load(`repository: { url: ${url}, token: ${secret} }\nmetricsServer: "https://u:${secret}@p"`)),
      ),
    ]

    expect(texts.length).toBeGreaterThan(5)
    for (const text of texts) {
      expect(text).not.toContain(secret)
      expect(text).not.toContain('12345678')
    }
    expect(OPTIONS.filter(({ secret: isSecret }) => isSecret).map(flagOf)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('does not miss in a file what variables may give', () => {
    expect(configFileProblems({ path: 'serin.yaml', text: 'cluster: { name: prod }' })).toEqual([])
    expect(configFileProblems({ path: 'serin.yaml', text: 'clustr: {}' }).map(String)).toEqual([
      'serin.yaml:1:1: clustr: unknown field (did you mean cluster?)',
    ])
  })
})

describe('config/secrets', () => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'serin-config-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  it('reads a secret file anew each time', async () => {
    const file = join(folder, 'token')
    const config = load(`repository: { url: ${url}, tokenFile: ${file} }`)

    await writeFile(file, 'one\n')
    expect(await repositoryCredentials(config)).toEqual({ username: 'x-access-token', password: 'one' })
    await writeFile(file, 'two')
    expect(await repositoryCredentials(config)).toEqual({ username: 'x-access-token', password: 'two' })
    expect(await forgeToken(config)).toBe('two')
    expect(await webhookSecret(config)).toBeUndefined()
  })

  it('says which file can not be read or is empty', async () => {
    const missing = load(`repository: { url: ${url}, tokenFile: ${join(folder, 'nope')} }`)
    await writeFile(join(folder, 'empty'), '\n')
    const empty = load(`repository: { url: ${url}, username: me, passwordFile: ${join(folder, 'empty')} }`)

    await expect(repositoryCredentials(missing)).rejects.toThrow(/repository.tokenFile: ".*nope" can not be read/)
    await expect(repositoryCredentials(empty)).rejects.toThrow(/repository.passwordFile: ".*empty" is empty/)
  })
})
