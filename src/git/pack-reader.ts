import { inflateSync } from 'node:zlib'
import { Problem } from '../lib/problem.ts'
import type { ObjectSource } from './object-source.ts'
import type { ObjectType, RawObject } from './objects.ts'
import type { PackEntry } from './pack.ts'
import type { Oid } from './types.ts'

const types: Readonly<Record<number, ObjectType>> = { 1: 'commit', 2: 'tree', 3: 'blob', 4: 'tag' }
const offsetDelta = 6
const nameDelta = 7
const maxObjectBytes = 256 * 1024 * 1024
const maxChain = 4096

interface Place {
  readonly pack: Buffer
  readonly offset: number
}

/** Objects out of packs that are held in memory. Unpacks an object when it is read; keeps the bases of deltas for a while. */
export class PackReader implements ObjectSource {
  readonly #places = new Map<Oid, Place>()
  readonly #bases = new Map<Buffer, Map<number, RawObject>>()
  #baseBytes = 0

  /** How many objects can be read. */
  get size(): number {
    return this.#places.size
  }

  /** Makes a pack's objects readable. */
  add(pack: Buffer, entries: Iterable<Pick<PackEntry, 'oid' | 'offset'>>): void {
    for (const { oid, offset } of entries) {
      if (!this.#places.has(oid)) this.#places.set(oid, { pack, offset })
    }
  }

  has(oid: Oid): boolean {
    return this.#places.has(oid)
  }

  read(oid: Oid): RawObject | undefined {
    const place = this.#places.get(oid)
    return place === undefined ? undefined : this.#unpack(place, 0)
  }

  /** The object that begins at an offset of a pack. Bases told by name have to be here. Throws a Problem when it is damaged. */
  readAt(pack: Buffer, offset: number): RawObject {
    return this.#unpack({ pack, offset }, 0)
  }

  #unpack(place: Place, depth: number): RawObject {
    if (depth > maxChain) throw damagedPack('a chain of deltas does not end')
    const { type, size, dataAt, base, baseOffset } = readEntryHeader(place.pack, place.offset)
    if (type !== undefined) return { type, body: inflate(place.pack, dataAt, size) }
    const at = base === undefined ? { pack: place.pack, offset: baseOffset } : this.#places.get(base)
    if (at === undefined) throw damagedPack(`the base ${base} of a delta is not here`)
    const from = this.#base(at, depth)
    return { type: from.type, body: applyDelta(from.body, inflate(place.pack, dataAt, size)) }
  }

  #base(place: Place, depth: number): RawObject {
    const kept = this.#bases.get(place.pack)?.get(place.offset)
    if (kept !== undefined) return kept
    const object = this.#unpack(place, depth + 1)
    if (this.#baseBytes > 32 * 1024 * 1024) {
      this.#bases.clear()
      this.#baseBytes = 0
    }
    const ofPack = this.#bases.get(place.pack) ?? new Map<number, RawObject>()
    ofPack.set(place.offset, object)
    this.#bases.set(place.pack, ofPack)
    this.#baseBytes += object.body.length
    return object
  }
}

/** The names and offsets in a pack index, version 2. Throws a Problem when it is none. */
export function* readPackIndex(index: Buffer): Generator<{ oid: Oid; offset: number }> {
  if (index.length < 1072 || index.readUInt32BE(0) !== 0xff744f63 || index.readUInt32BE(4) !== 2) {
    throw damagedPack('a pack index is malformed')
  }
  const count = index.readUInt32BE(8 + 255 * 4)
  const names = 8 + 256 * 4
  const offsets = names + count * 24
  const large = offsets + count * 4
  if (index.length < large + 40) throw damagedPack('a pack index is cut off')
  for (let i = 0; i < count; i += 1) {
    const offset = index.readUInt32BE(offsets + i * 4)
    if (offset >= 0x80000000) throw damagedPack('a pack of more than 2 GiB cannot be read')
    yield { oid: index.toString('hex', names + i * 20, names + i * 20 + 20), offset }
  }
}

/** What stands before an object's packed bytes. */
export interface EntryHeader {
  /** undefined for a delta. */
  readonly type: ObjectType | undefined
  /** Of the unpacked object or delta. */
  readonly size: number
  readonly dataAt: number
  /** What a delta builds on, by name, or by its offset in the same pack. */
  readonly base: Oid | undefined
  readonly baseOffset: number
}

/** Reads an entry's header. Throws a Problem when it is malformed. */
export function readEntryHeader(pack: Buffer, offset: number): EntryHeader {
  let at = offset
  let byte = byteAt(pack, at)
  const number = (byte >> 4) & 7
  let size = byte & 15
  let unit = 16
  while (byte & 0x80) {
    at += 1
    byte = byteAt(pack, at)
    size += (byte & 0x7f) * unit
    unit *= 128
  }
  if (size > maxObjectBytes) throw damagedPack(`an object of ${size} bytes is too large`)
  const plain = { size, dataAt: at + 1, base: undefined, baseOffset: 0 }
  if (number === offsetDelta) {
    const { value, next } = readOffset(pack, at + 1)
    if (value <= 0 || value > offset - 12) throw damagedPack('a delta points outside its pack')
    return { ...plain, type: undefined, dataAt: next, baseOffset: offset - value }
  }
  if (number === nameDelta) {
    return { ...plain, type: undefined, dataAt: at + 21, base: pack.toString('hex', at + 1, at + 21) }
  }
  const type = types[number]
  if (type === undefined) throw damagedPack(`there is no object type ${number}`)
  return { ...plain, type }
}

function readOffset(pack: Buffer, start: number): { value: number; next: number } {
  let at = start
  let byte = byteAt(pack, at)
  let value = byte & 0x7f
  while (byte & 0x80) {
    at += 1
    byte = byteAt(pack, at)
    value = (value + 1) * 128 + (byte & 0x7f)
  }
  return { value, next: at + 1 }
}

function inflate(pack: Buffer, at: number, size: number): Buffer {
  try {
    const body = inflateSync(pack.subarray(at, -20), { maxOutputLength: Math.max(size, 1) })
    if (body.length === size) return body
  } catch (error) {
    throw damagedPack('an object cannot be unpacked', error)
  }
  throw damagedPack('an object has the wrong size')
}

/** Copies from the base and inserts, as gitformat-pack describes deltas; every bound is checked. */
export function applyDelta(base: Buffer, delta: Buffer): Buffer {
  const source = readSize(delta, 0)
  const target = readSize(delta, source.next)
  if (source.value !== base.length || target.value > maxObjectBytes) throw damagedPack('a delta does not fit its base')
  const out = Buffer.alloc(target.value)
  let at = target.next
  let end = 0
  while (at < delta.length) {
    const op = byteAt(delta, at)
    at += 1
    let from = 0
    let length = op
    let bytes = delta
    if (op & 0x80) {
      bytes = base
      length = 0
      for (let i = 0; i < 7; i += 1) {
        if (!(op & (1 << i))) continue
        const byte = byteAt(delta, at)
        at += 1
        if (i < 4) from += byte * 2 ** (8 * i)
        else length += byte * 2 ** (8 * (i - 4))
      }
      if (length === 0) length = 0x10000
    } else {
      from = at
      at += length
    }
    if (op === 0 || from + length > bytes.length || end + length > out.length) throw damagedPack('a delta is malformed')
    bytes.copy(out, end, from, from + length)
    end += length
  }
  if (end !== out.length) throw damagedPack('a delta is cut off')
  return out
}

function readSize(delta: Buffer, start: number): { value: number; next: number } {
  let at = start
  let value = 0
  for (let unit = 1; ; unit *= 128) {
    const byte = byteAt(delta, at)
    at += 1
    value += (byte & 0x7f) * unit
    if (!(byte & 0x80)) return { value, next: at }
  }
}

function byteAt(bytes: Buffer, at: number): number {
  const byte = bytes[at]
  if (byte === undefined) throw damagedPack('an object is cut off')
  return byte
}

/** The Problem of a pack that cannot be read. */
export function damagedPack(message: string, cause?: unknown): Problem {
  return new Problem({ kind: 'retry', code: 'GIT_DAMAGED', message, cause })
}
