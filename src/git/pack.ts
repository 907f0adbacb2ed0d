import { createHash } from 'node:crypto'
import { crc32, deflateSync } from 'node:zlib'
import type { NamedObject, ObjectType } from './objects.ts'
import type { Oid } from './types.ts'

/** Where an object lies in a pack. */
export interface PackEntry {
  readonly oid: Oid
  readonly offset: number
  readonly crc: number
}

/** A pack, version 2, and where its objects are. */
export interface Pack {
  readonly bytes: Buffer
  readonly entries: readonly PackEntry[]
}

const typeNumbers: Readonly<Record<ObjectType, number>> = { commit: 1, tree: 2, blob: 3, tag: 4 }

/** Writes objects into a pack, whole and in the given order (gitformat-pack). */
export function writePack(objects: readonly NamedObject[]): Pack {
  const header = Buffer.alloc(12)
  header.write('PACK')
  header.writeUInt32BE(2, 4)
  header.writeUInt32BE(objects.length, 8)
  const parts = [header]
  const entries: PackEntry[] = []
  let offset = header.length
  for (const object of objects) {
    const entry = Buffer.concat([entryHeader(object), deflateSync(object.body, { level: 1 })])
    entries.push({ oid: object.oid, offset, crc: crc32(entry) })
    parts.push(entry)
    offset += entry.length
  }
  return { bytes: withChecksum(parts), entries }
}

/** A pack with more objects at its end, whole; the same pack when there are none. */
export function appendObjects(pack: Pack, objects: readonly NamedObject[]): Pack {
  if (objects.length === 0) return pack
  const more = writePack(objects)
  const header = Buffer.from(pack.bytes.subarray(0, 12))
  header.writeUInt32BE(pack.entries.length + objects.length, 8)
  const shift = pack.bytes.length - 20 - 12
  const moved = more.entries.map((entry) => ({ ...entry, offset: entry.offset + shift }))
  const bytes = withChecksum([header, pack.bytes.subarray(12, -20), more.bytes.subarray(12, -20)])
  return { bytes, entries: [...pack.entries, ...moved] }
}

/** The index of a pack, version 2, as Git and isomorphic-git read it. */
export function writePackIndex(pack: Pack): Buffer {
  const sorted = pack.entries.toSorted((a, b) => (a.oid < b.oid ? -1 : 1))
  const count = sorted.length
  const head = Buffer.alloc(8 + 256 * 4)
  head.writeUInt32BE(0xff744f63, 0)
  head.writeUInt32BE(2, 4)
  const names = Buffer.alloc(count * 20)
  const sums = Buffer.alloc(count * 4)
  const offsets = Buffer.alloc(count * 4)
  const perByte = Array.from({ length: 256 }, () => 0)
  sorted.forEach((entry, i) => {
    names.write(entry.oid, i * 20, 'hex')
    sums.writeUInt32BE(entry.crc, i * 4)
    offsets.writeUInt32BE(entry.offset, i * 4)
    const first = names.readUInt8(i * 20)
    perByte[first] = (perByte[first] ?? 0) + 1
  })
  let total = 0
  perByte.forEach((n, byte) => {
    total += n
    head.writeUInt32BE(total, 8 + byte * 4)
  })
  return withChecksum([head, names, sums, offsets, packChecksum(pack.bytes)])
}

/** The checksum at the end of a pack: its name on disk. */
export function packChecksum(bytes: Buffer): Buffer {
  return bytes.subarray(-20)
}

/** True when a pack's or an index's last 20 bytes are the SHA-1 of what precedes them: it is whole. */
export function isWhole(bytes: Buffer): boolean {
  if (bytes.length < 32) return false
  const sum = createHash('sha1').update(bytes.subarray(0, -20)).digest()
  return sum.equals(bytes.subarray(-20))
}

function withChecksum(parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha1')
  for (const part of parts) hash.update(part)
  return Buffer.concat([...parts, hash.digest()])
}

/** Type and size: four bits of size in the first byte, seven in each further one, low bits first. */
function entryHeader(object: NamedObject): Buffer {
  const bytes: number[] = []
  let size = object.body.length
  let byte = (typeNumbers[object.type] << 4) | (size & 15)
  size = Math.floor(size / 16)
  while (size > 0) {
    bytes.push(byte | 0x80)
    byte = size & 0x7f
    size = Math.floor(size / 128)
  }
  bytes.push(byte)
  return Buffer.from(bytes)
}
