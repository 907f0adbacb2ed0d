import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse } from 'yaml'
import { numberAt } from '../../../../src/lib/json.ts'

const run = promisify(execFile)

/** One commit of the ledger about a canary, as its files have it. */
export interface Recorded {
  readonly oid: string
  readonly subject: string
  readonly weight: number
}

/** Reads a ledger past every server, from the bare repository on disk. */
export class LedgerFile {
  private readonly repository: string
  private readonly branch: string

  constructor(repository: string, branch: string) {
    this.repository = repository
    this.branch = branch
  }

  /** The tip at this very moment; undefined while there is none. */
  tip(): string | undefined {
    const path = join(this.repository, 'refs/heads', this.branch)
    return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined
  }

  /** Everything that is recorded of a canary, oldest first. */
  async history(key: string): Promise<readonly Recorded[]> {
    if (this.tip() === undefined) return []
    const text = await this.git('log', '--reverse', '--format=%H %s', this.branch, '--', key)
    const lines = text.split('\n').filter((line) => line !== '')
    return Promise.all(
      lines.map(async (line) => {
        const oid = line.slice(0, 40)
        const status: unknown = parse(await this.git('show', `${oid}:${key}/status.yaml`))
        return { oid, subject: line.slice(41), weight: numberAt(status, 'canaryWeight') ?? 0 }
      }),
    )
  }

  /** How many commits of a list of the whole branch come up to and with each oid. */
  async positions(): Promise<ReadonlyMap<string, number>> {
    if (this.tip() === undefined) return new Map()
    const oids = (await this.git('rev-list', '--reverse', this.branch)).split('\n')
    return new Map(oids.map((oid, index) => [oid, index]))
  }

  private async git(...args: readonly string[]): Promise<string> {
    const { stdout } = await run('git', ['--git-dir', this.repository, ...args], { maxBuffer: 64 * 1024 * 1024 })
    return stdout.trim()
  }
}
