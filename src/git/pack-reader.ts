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

  #unpack(place: Place, depth: number): RawObject {
    if (depth > maxChain) throw damaged('a chain of deltas does not end')
    const { type, size, at } = readHeader(place.pack, place.offset)
    const plain = types[type]
    if (plain !== undefined) return { type: plain, body: inflate(place.pack, at, size) }
    const { base, dataAt } = this.#basePlace(place, type, at)
    const from = this.#base(base, depth)
    return { type: from.type, body: applyDelta(from.body, inflate(place.pack, dataAt, size)) }
  }

  #basePlace(place: Place, type: number, at: number): { base: Place; dataAt: number } {
    if (type === offsetDelta) {
      const { value, next } = readOffset(place.pack, at)
      if (value <= 0 || value > place.offset - 12) throw damaged('a delta points outside its pack')
      return { base: { pack: place.pack, offset: place.offset - value }, dataAt: next }
    }
    const oid = place.pack.toString('hex', at, at + 20)
    const base = type === nameDelta ? this.#places.get(oid) : undefined
    if (base === undefined) throw damaged(`the base ${oid} of a delta is not here`)
    return { base, dataAt: at + 20 }
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
    throw damaged('a pack index is malformed')
  }
  const count = index.readUInt32BE(8 + 255 * 4)
  const names = 8 + 256 * 4
  const offsets = names + count * 24
  const large = offsets + count * 4
  if (index.length < large + 40) throw damaged('a pack index is cut off')
  for (let i = 0; i < count; i += 1) {
    const offset = index.readUInt32BE(offsets + i * 4)
    if (offset >= 0x80000000) throw damaged('a pack of more than 2 GiB cannot be read')
    yield { oid: index.toString('hex', names + i * 20, names + i * 20 + 20), offset }
  }
}

function readHeader(pack: Buffer, offset: number): { type: number; size: number; at: number } {
  let at = offset
  let byte = byteAt(pack, at)
  const type = (byte >> 4) & 7
  let size = byte & 15
  let unit = 16
  while (byte & 0x80) {
    at += 1
    byte = byteAt(pack, at)
    size += (byte & 0x7f) * unit
    unit *= 128
  }
  if (size > maxObjectBytes) throw damaged(`an object of ${size} bytes is too large`)
  return { type, size, at: at + 1 }
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
    throw damaged('an object cannot be unpacked', error)
  }
  throw damaged('an object has the wrong size')
}

/** Copies from the base and inserts, as gitformat-pack describes deltas; every bound is checked. */
export function applyDelta(base: Buffer, delta: Buffer): Buffer {
  const source = readSize(delta, 0)
  const target = readSize(delta, source.next)
  if (source.value !== base.length || target.value > maxObjectBytes) throw damaged('a delta does not fit its base')
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
    if (op === 0 || from + length > bytes.length || end + length > out.length) throw damaged('a delta is malformed')
    bytes.copy(out, end, from, from + length)
    end += length
  }
  if (end !== out.length) throw damaged('a delta is cut off')
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
  if (byte === undefined) throw damaged('an object is cut off')
  return byte
}

function damaged(message: string, cause?: unknown): Problem {
  return new Problem({ kind: 'retry', code: 'GIT_DAMAGED', message, cause })
}
