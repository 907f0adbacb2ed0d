import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { gitEnvironment } from '../git-environment.ts'

/** Who makes a commit, and when in milliseconds since the epoch. */
export interface Signature {
  readonly name: string
  readonly timeMs: number
}

/** What became of an attempt to bring two lines of work together. */
export type MergeResult = { readonly kind: 'tree'; readonly tree: string } | { readonly kind: 'conflict' }

/** Git plumbing on a bare repository: no checkout, branches moved only by compare-and-swap. Rejects when git fails. */
export class Repository {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** A branch's or revision's commit; null when there is none. */
  async resolve(revision: string): Promise<string | null> {
    const { code, stdout } = await this.#try([
      'rev-parse',
      '--verify',
      '--quiet',
      '--end-of-options',
      `${revision}^{commit}`,
    ])
    return code === 0 ? stdout.trim() : null
  }

  /** Commits that `to` has and `from` has not, newest first, at most 250 as on GitHub. */
  async between(from: string, to: string): Promise<readonly string[]> {
    return lines(await this.#run(['rev-list', '--max-count=250', to, `^${from}`]))
  }

  async parents(commit: string): Promise<readonly string[]> {
    return (await this.#run(['rev-parse', `${commit}^@`])).split('\n').filter(Boolean)
  }

  async message(commit: string): Promise<string> {
    return this.#run(['log', '-1', '--format=%B', commit])
  }

  /** Lines of `hash<NUL>time in seconds<NUL>author<NUL>subject`, newest first. */
  async log(revision: string, count: number): Promise<readonly (readonly string[])[]> {
    const text = await this.#run(['log', `--max-count=${count}`, '--format=%H%x00%ct%x00%an%x00%s', revision, '--'])
    return lines(text).map((line) => line.split('\0'))
  }

  /** A commit's header, message and patch, as a person reads it. */
  async show(commit: string): Promise<string> {
    return this.#run([
      'show',
      '--no-color',
      '--no-ext-diff',
      '--first-parent',
      '--diff-merges=first-parent',
      commit,
      '--',
    ])
  }

  /** The patch between what `head` branched from and `head`. */
  async diff(base: string, head: string): Promise<string> {
    return this.#run(['diff', '--no-color', '--no-ext-diff', `${base}...${head}`, '--'])
  }

  async branches(): Promise<readonly string[]> {
    return lines(await this.#run(['for-each-ref', '--format=%(refname:short)', 'refs/heads']))
  }

  /** A commit on top of `parent` with the given files written (null: deleted). */
  async commitFiles(
    parent: string,
    files: Readonly<Record<string, string | null>>,
    message: string,
    by: Signature,
  ): Promise<string> {
    const index = join(this.path, `index-${randomUUID()}`)
    const environment = { GIT_INDEX_FILE: index }
    try {
      await this.#run(['read-tree', parent], { environment })
      for (const [path, content] of Object.entries(files)) {
        if (content === null) {
          // The only way to remove a path that needs no work tree.
          const input = `0 ${'0'.repeat(40)}\t${path}\n`
          await this.#run(['update-index', '--index-info'], { environment, input })
        } else {
          const blob = (await this.#run(['hash-object', '-w', '--stdin'], { input: content })).trim()
          await this.#run(['update-index', '--add', '--cacheinfo', `100644,${blob},${path}`], { environment })
        }
      }
      const tree = (await this.#run(['write-tree'], { environment })).trim()
      return await this.commitTree(tree, [parent], message, by)
    } finally {
      await rm(index, { force: true })
    }
  }

  async commitTree(tree: string, parents: readonly string[], message: string, by: Signature): Promise<string> {
    const email = `${by.name.replace(/[^\w.-]/g, '')}@users.example.com`
    const date = `${Math.floor(by.timeMs / 1000)} +0000`
    const environment = {
      GIT_AUTHOR_NAME: by.name,
      GIT_AUTHOR_EMAIL: email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: by.name,
      GIT_COMMITTER_EMAIL: email,
      GIT_COMMITTER_DATE: date,
    }
    const flags = parents.flatMap((parent) => ['-p', parent])
    return (await this.#run(['commit-tree', tree, ...flags, '-F', '-'], { environment, input: message })).trim()
  }

  async merge(ours: string, theirs: string): Promise<MergeResult> {
    const { code, stdout, stderr } = await this.#try(['merge-tree', '--write-tree', ours, theirs])
    if (code === 0) return { kind: 'tree', tree: lines(stdout)[0] ?? '' }
    if (code === 1) return { kind: 'conflict' }
    throw new Error(`git merge-tree failed: ${stderr.trim()}`)
  }

  /**
   * Our tree with the change from `from` to `to` applied: a revert (from a commit to its parent) or a cherry-pick. git
   * 2.39's merge-tree takes no merge base, so a commit of `to`'s tree on top of `from` makes `from` the base.
   */
  async applyChange(ours: string, from: string, to: string, by: Signature): Promise<MergeResult> {
    const bridge = await this.commitTree(`${to}^{tree}`, [from], 'bridge', by)
    if ((await this.#try(['merge-base', '--is-ancestor', from, ours])).code === 0) return this.merge(ours, bridge)
    const bridgedOurs = await this.commitTree(`${ours}^{tree}`, [from], 'bridge', by)
    return this.merge(bridgedOurs, bridge)
  }

  /** Moves a branch if it still is at `expected` (null: does not exist yet); false when it is not. */
  async moveBranch(branch: string, expected: string | null, next: string): Promise<boolean> {
    const { code } = await this.#try(['update-ref', `refs/heads/${branch}`, next, expected ?? '0'.repeat(40)])
    return code === 0
  }

  async #run(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.#try(args, options)
    if (code !== 0) throw new Error(`git ${args[0]} failed: ${stderr.trim()}`)
    return stdout
  }

  async #try(args: readonly string[], { environment = {}, input = '' }: RunOptions = {}): Promise<RunResult> {
    return new Promise((resolve, reject) => {
      const env = { ...gitEnvironment, ...environment }
      const options = { cwd: this.path, env, maxBuffer: 64 * 1024 * 1024 }
      const child = execFile('git', [`--git-dir=${this.path}`, ...args], options, (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code
        if (typeof code === 'number') resolve({ code, stdout, stderr })
        else reject(new Error(`git could not be run: ${error?.message ?? ''}`))
      })
      // A git that never reads its input closes the pipe; its exit code tells what matters.
      child.stdin?.on('error', () => undefined)
      child.stdin?.end(input)
    })
  }
}

interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly input?: string
}

interface RunResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}
