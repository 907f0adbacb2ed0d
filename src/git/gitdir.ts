import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '../lib/problem.ts'
import { atomicFs } from './atomic-fs.ts'
import { collectRecent } from './collect-recent.ts'
import { absentFile, fileErrorCode } from './file-error.ts'
import { fetchPack } from './fetch-pack.ts'
import { fetchVersion2 } from './fetch-version2.ts'
import { indexPack } from './index-pack.ts'
import { isOid } from './objects.ts'
import type { GitHttp } from './git-http.ts'
import type { MadeCommits } from './made-commits.ts'
import { ObjectReader } from './object-reader.ts'
import { PackFolder } from './pack-folder.ts'
import { writePack, type Pack } from './pack.ts'
import { PackReader } from './pack-reader.ts'
import type { Oid } from './types.ts'

export interface GitDirOptions {
  readonly path: string
  readonly ref: string
  readonly url: string
  readonly made: MadeCommits
  /** How many packs may gather before they become one with recent history only. */
  readonly maxPacks: number
}

/** How much a fetch may cost. */
export interface Limits {
  readonly totalMs: number
  readonly maxBytes: number
}

interface Depth extends Limits {
  readonly depth: number
  readonly relative: boolean
}

/** What Git itself sends to ask for all of history. */
const wholeHistory = 0x7fffffff

/** How much history one pack keeps when many become one. */
const keptCommits = 1000

/**
 * A shallow repository on disk, for one branch and one process, and its packs in memory. The disk is a cache: whatever
 * looks damaged is thrown away and fetched again. No loose objects are ever written.
 */
export class GitDir {
  readonly #options: GitDirOptions
  readonly #fs: ReturnType<typeof atomicFs>
  readonly #folder: PackFolder
  #cache: object = {}
  #packs = new PackReader()
  #reader: ObjectReader
  #tip: Oid | null = null
  #oldProtocol = false
  /** The disk lacks what memory holds. */
  #isBehind = false

  constructor(options: GitDirOptions) {
    this.#options = options
    this.#fs = atomicFs(options.path)
    this.#folder = new PackFolder(options.path, this.#fs)
    this.#reader = this.#newReader()
  }

  /** Reads what is here, made commits included. Another one after the objects were thrown away or packed anew. */
  get reader(): ObjectReader {
    return this.#reader
  }

  /** What the local branch names: the newest tip known to be at the server; null before the first fetch. */
  get tip(): Oid | null {
    return this.#tip
  }

  /** True when the object was fetched, or its push was acknowledged. */
  has(oid: Oid): boolean {
    return this.#packs.has(oid)
  }

  /** Loads what a former process left, or starts anew when that is not whole. */
  async open(): Promise<void> {
    try {
      await rm(this.#file('tmp'), { recursive: true, force: true })
      const text = await readFile(this.#file(this.#options.ref), 'utf8').catch(absentFile)
      const tip = text?.trim()
      if (tip === undefined) return await this.reset()
      await this.#folder.load(this.#packs)
      this.#reader.tree(this.#reader.commit(tip).tree)
      this.#tip = tip
    } catch (error) {
      if (!(error instanceof Problem) && fileErrorCode(error) === undefined) throw error
      await this.reset()
    }
  }

  /** Throws everything away but commits made here. Rejects with a Problem (`GIT_DIRECTORY`) when the disk does not let it. */
  async reset(): Promise<void> {
    await this.#onDisk(() => this.#startAnew())
  }

  /** Runs what needs the disk. What memory holds stays right when the disk fails. */
  async #onDisk<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task()
    } catch (error) {
      const code = fileErrorCode(error)
      if (code === undefined) throw error
      this.#isBehind = true
      throw new Problem({
        kind: 'stalled',
        code: 'GIT_DIRECTORY',
        message: `the folder for clones cannot be written (${code})`,
        place: this.#options.path,
        hint: 'check its owner, its mode and the free space',
        cause: error,
      })
    }
  }

  async #startAnew(): Promise<void> {
    const { path, ref, url } = this.#options
    await rm(path, { recursive: true, force: true })
    for (const folder of ['objects/pack', 'refs/heads', 'tmp']) await mkdir(join(path, folder), { recursive: true })
    const config = [
      '[core]\n\trepositoryformatversion = 0\n\tbare = true\n',
      `[remote "origin"]\n\turl = ${JSON.stringify(url)}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n`,
    ]
    await this.#write('config', config.join(''))
    await this.#write('HEAD', `ref: ${ref}\n`)
    this.#forget()
    this.#folder.forget()
    this.#tip = null
    this.#isBehind = false
  }

  /**
   * Fetches a commit: alone the first time, later with what lies between it and the present tip. The depth is bounded,
   * for a merge of an old branch would otherwise bring all of history into a shallow clone.
   */
  async fetch(http: GitHttp, want: Oid, limits: Limits): Promise<void> {
    if (this.#isBehind) await this.reset()
    const before = this.#tip
    if (before === null) return this.#fetch(http, want, { ...limits, depth: 1, relative: false })
    await this.#fetch(http, want, { ...limits, depth: 50, relative: false })
    if (!this.has(want) || before === want || !this.#reader.isUnclear(before, want)) return
    await this.#fetch(http, want, { ...limits, depth: 1000, relative: this.#oldProtocol })
  }

  /** Fetches older history: so many commits behind the present boundary, or all of it. */
  async deepen(http: GitHttp, commits: number, limits: Limits): Promise<void> {
    if (this.#tip === null) return
    const depth = Math.min(commits, wholeHistory)
    await this.#fetch(http, this.#tip, { ...limits, depth, relative: depth < wholeHistory })
  }

  /** True when no history is cut off. */
  async isComplete(): Promise<boolean> {
    return (await this.#readShallow()).length === 0
  }

  /**
   * Keeps a pack that the server has acknowledged and moves the local branch. The push has landed whatever the disk says:
   * what cannot be written stays readable in memory, and the next fetch starts anew.
   */
  async keep(pack: Pack, tip: Oid): Promise<void> {
    this.#packs.add(pack.bytes, pack.entries)
    try {
      await this.#folder.write(pack)
      await this.#moveTo(tip)
    } catch (error) {
      if (fileErrorCode(error) === undefined) throw error
      this.#tip = tip
      this.#isBehind = true
    }
  }

  /** Moves the local branch to a commit that the server has. */
  async settle(tip: Oid): Promise<void> {
    await this.#onDisk(() => this.#moveTo(tip))
    if (this.#folder.size > this.#options.maxPacks && !this.#isBehind) {
      await this.#onDisk(() => this.#compact(tip))
    }
  }

  #fetch(http: GitHttp, want: Oid, more: Depth): Promise<void> {
    return this.#onDisk(() => this.#transfer(http, want, more))
  }

  async #transfer(http: GitHttp, want: Oid, more: Depth): Promise<void> {
    const isNew = this.#oldProtocol || !(await this.#receive(http, want, more))
    const tip = isNew ? await this.#fetchOld(http, more) : want
    // The trees' tops are enough: a pack is whole or not there, and the server sends closed sets.
    this.#reader.tree(this.#reader.commit(tip).tree)
    await this.#moveTo(tip)
  }

  /** Protocol 2; false when the server does not speak it. */
  async #receive(http: GitHttp, want: Oid, more: Depth): Promise<boolean> {
    const shallow = await this.#readShallow()
    const received = await fetchVersion2(http, { want, have: this.#tip, shallow, ...more })
    if (received === undefined) {
      this.#oldProtocol = true
      return false
    }
    // Until the pack is here both boundaries hold: a commit that is wrongly called shallow does no harm.
    const both = new Set([...shallow, ...received.shallow])
    await this.#writeShallow(both)
    const pack = await indexPack(received.pack, this.#packs)
    await this.#folder.write(pack)
    const hasParents = (oid: Oid): boolean =>
      this.#reader.find(oid)?.parents.every((parent) => this.has(parent)) ?? false
    for (const oid of both) if (hasParents(oid)) both.delete(oid)
    await this.#writeShallow(both)
    return true
  }

  /** Protocol 0, by isomorphic-git: slower, and without a bound on what merges bring along. */
  async #fetchOld(http: GitHttp, more: Depth): Promise<Oid> {
    const { path: gitdir, ref } = this.#options
    const { totalMs, maxBytes } = more
    const depth = this.#tip === null || more.relative || more.depth === wholeHistory ? more : undefined
    const wanted = { gitdir, fs: this.#fs, cache: this.#cache, ref, totalMs, maxBytes }
    const tip = await fetchPack(http, depth === undefined ? wanted : { ...wanted, ...depth })
    await this.#folder.load(this.#packs)
    return tip
  }

  async #readShallow(): Promise<string[]> {
    const text = await readFile(this.#file('shallow'), 'utf8').catch(absentFile)
    return (text ?? '').split('\n').filter(isOid)
  }

  async #writeShallow(oids: ReadonlySet<Oid>): Promise<void> {
    if (oids.size > 0) await this.#write('shallow', `${[...oids].join('\n')}\n`)
    else await rm(this.#file('shallow'), { force: true })
  }

  /** One pack with the head and recent history instead of hundreds: a clone grows with what it holds, not with its age. */
  async #compact(tip: Oid): Promise<void> {
    const { objects, boundary } = await collectRecent(this.#reader, (oid) => this.#packs.read(oid), tip, keptCommits)
    const pack = writePack(objects)
    this.#forget()
    this.#packs.add(pack.bytes, pack.entries)
    await this.#folder.write(pack)
    await this.#writeShallow(new Set(boundary))
    await this.#folder.removeOthers(pack)
  }

  async #moveTo(tip: Oid): Promise<void> {
    if (this.#tip === tip) return
    await this.#write(this.#options.ref, `${tip}\n`)
    this.#tip = tip
  }

  async #write(name: string, text: string): Promise<void> {
    await mkdir(join(this.#file(name), '..'), { recursive: true })
    await this.#fs.promises.writeFile(this.#file(name), text)
  }

  #forget(): void {
    this.#cache = {}
    this.#packs = new PackReader()
    this.#reader = this.#newReader()
  }

  #newReader(): ObjectReader {
    const { made } = this.#options
    return new ObjectReader({ read: (oid) => made.read(oid) ?? this.#packs.read(oid) })
  }

  #file(name: string): string {
    return join(this.#options.path, name)
  }
}
