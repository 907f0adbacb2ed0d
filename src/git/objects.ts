import { createHash } from 'node:crypto'
import { Problem } from '../lib/problem.ts'
import type { Commit, Oid, Person } from './types.ts'

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag'

/** A Git object: its type and the bytes behind its header. */
export interface RawObject {
  readonly type: ObjectType
  readonly body: Buffer
}

/** A Git object with its name. */
export interface NamedObject extends RawObject {
  readonly oid: Oid
}

/** One line of a tree. `rawName` is there only when the name is no UTF-8, so that it is written back unchanged. */
export interface TreeEntry {
  readonly mode: string
  readonly name: string
  readonly oid: Oid
  readonly rawName?: Buffer
}

/** What a commit is encoded from. Author and committer, and both times, are the same. */
export interface CommitFields {
  readonly tree: Oid
  readonly parents: readonly Oid[]
  readonly author: Person
  readonly timeMs: number
  readonly message: string
}

/** The name of an object: SHA-1 over `<type> <size>\0<body>`. */
export function nameObject(type: ObjectType, body: Buffer): NamedObject {
  const oid = createHash('sha1').update(`${type} ${body.length}\0`).update(body).digest('hex')
  return { oid, type, body }
}

/** The bytes of a tree, its entries in Git's order whatever order they come in. */
export function encodeTree(entries: readonly TreeEntry[]): Buffer {
  const parts: Buffer[] = []
  for (const entry of entries.toSorted(treeOrder(entries))) {
    parts.push(Buffer.from(`${entry.mode} `), entry.rawName ?? Buffer.from(entry.name), Buffer.of(0))
    parts.push(Buffer.from(entry.oid, 'hex'))
  }
  return Buffer.concat(parts)
}

/** The entries of a tree in the order they are stored. Throws a Problem when the bytes are no tree. */
export function parseTree(body: Buffer): TreeEntry[] {
  const entries: TreeEntry[] = []
  for (let start = 0; start < body.length;) {
    const space = body.indexOf(0x20, start)
    const zero = body.indexOf(0, space)
    if (space < 0 || zero < 0 || zero + 21 > body.length) throw malformed('tree')
    const raw = body.subarray(space + 1, zero)
    const name = raw.toString('utf8')
    const entry = {
      mode: body.toString('latin1', start, space),
      name,
      oid: body.toString('hex', zero + 1, zero + 21),
    }
    entries.push(name.includes('\ufffd') ? { ...entry, rawName: raw } : entry)
    start = zero + 21
  }
  return entries
}

/** True for the mode of a folder. */
export function isTreeMode(mode: string): boolean {
  return mode === '40000' || mode === '040000'
}

/**
 * The bytes of a commit, in UTC. Line ends and angle brackets leave the names, zero bytes leave the message, and the
 * message ends with a newline, as `git fsck --strict` wants it. Throws a Problem when a name or time can't be written.
 */
export function encodeCommit(fields: CommitFields): Buffer {
  const seconds = Math.floor(fields.timeMs / 1000)
  if (!Number.isSafeInteger(seconds) || seconds < 0) {
    throw new Problem({ kind: 'bug', code: 'GIT_BAD_TIME', message: `a commit cannot have the time ${fields.timeMs}` })
  }
  const person = `${cleanPerson(fields.author)} ${seconds} +0000`
  const parents = fields.parents.map((parent) => `parent ${parent}\n`).join('')
  const message = fields.message.replaceAll('\0', '').replace(/\n*$/, '\n')
  return Buffer.from(`tree ${fields.tree}\n${parents}author ${person}\ncommitter ${person}\n\n${message}`)
}

/** Reads a commit. Its time is the committer's. Throws a Problem when the bytes are no commit. */
export function parseCommit(oid: Oid, body: Buffer): Commit {
  const end = body.indexOf('\n\n')
  const head = body.toString('utf8', 0, end < 0 ? body.length : end)
  const headers = head.split('\n')
  const first = (key: string): string | undefined =>
    headers.find((line) => line.startsWith(`${key} `))?.slice(key.length + 1)
  const tree = first('tree')
  if (tree === undefined || !isOid(tree)) throw malformed('commit', oid)
  const parents = headers.filter((line) => line.startsWith('parent ')).map((line) => line.slice(7))
  if (!parents.every(isOid)) throw malformed('commit', oid)
  const author = parsePerson(first('author') ?? '')
  const committer = parsePerson(first('committer') ?? '')
  const latin = /^(iso-?8859-1|latin-?1)$/i.test(first('encoding') ?? '')
  const message = end < 0 ? '' : body.toString(latin ? 'latin1' : 'utf8', end + 2)
  return {
    oid,
    tree,
    parents,
    author: author.person,
    committer: committer.person,
    timeMs: committer.seconds * 1000,
    message,
  }
}

/** True for 40 lower-case hex digits. */
export function isOid(text: string): text is Oid {
  return /^[0-9a-f]{40}$/.test(text)
}

function cleanPerson(person: Person): string {
  const clean = (text: string): string =>
    text
      .replaceAll(/[\p{Cc}<>]/gu, ' ')
      .replaceAll(/\s+/g, ' ')
      .replaceAll(/^[\s.,:;"'\\]+|[\s.,:;"'\\]+$/g, '')
  const name = clean(person.name)
  if (name === '') {
    throw new Problem({
      kind: 'stalled',
      code: 'GIT_BAD_IDENTITY',
      message: `"${person.name}" is no name for a commit's author`,
      hint: 'configure a name and an e-mail address',
    })
  }
  return `${name} <${clean(person.email).replaceAll(' ', '')}>`
}

function parsePerson(line: string): { person: Person; seconds: number } {
  const found = /^(.*?) ?<([^>]*)>(?: (-?\d+) [+-]\d+)?/.exec(line)
  return {
    person: { name: found?.[1] ?? line, email: found?.[2] ?? '' },
    seconds: Number(found?.[3] ?? 0),
  }
}

type Order = (a: TreeEntry, b: TreeEntry) => number

/** Git compares names as bytes, a folder's with a slash behind it. UTF-16 order is the same but for surrogates. */
function treeOrder(entries: readonly TreeEntry[]): Order {
  const bytewise = entries.some((entry) => entry.rawName !== undefined || /[\ud800-\udfff]/.test(entry.name))
  if (bytewise) return (a, b) => Buffer.compare(keyBytes(a), keyBytes(b))
  return (a, b) => {
    const left = isTreeMode(a.mode) ? `${a.name}/` : a.name
    const right = isTreeMode(b.mode) ? `${b.name}/` : b.name
    return left < right ? -1 : left > right ? 1 : 0
  }
}

function keyBytes(entry: TreeEntry): Buffer {
  const name = entry.rawName ?? Buffer.from(entry.name)
  return isTreeMode(entry.mode) ? Buffer.concat([name, Buffer.from('/')]) : name
}

function malformed(what: string, oid?: Oid): Problem {
  return new Problem({ kind: 'retry', code: 'GIT_DAMAGED', message: `a ${what} object is malformed`, place: oid })
}
