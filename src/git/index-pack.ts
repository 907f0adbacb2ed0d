import { crc32, inflateSync } from 'node:zlib'
import { Problem } from '../lib/problem.ts'
import { nameObject, type NamedObject } from './objects.ts'
import { appendObjects, isWhole, type Pack, type PackEntry } from './pack.ts'
import { damagedPack, readEntryHeader, type PackReader } from './pack-reader.ts'
import type { Oid } from './types.ts'

interface Entry {
  readonly offset: number
  readonly crc: number
  /** The object that a delta builds on, where it is told by name. */
  readonly base: Oid | undefined
}

/**
 * Names every object in a pack that came from a server, after checking all of it, and makes them readable. The bases
 * of a thin pack are appended, as Git does, so that the pack stands for itself. Lets others run now and then.
 */
export async function indexPack(bytes: Buffer, reader: PackReader): Promise<Pack> {
  if (bytes.length < 32 || bytes.toString('latin1', 0, 4) !== 'PACK' || bytes.readUInt32BE(4) !== 2) {
    throw badAnswer('the server sent no pack')
  }
  if (!isWhole(bytes)) throw badAnswer('the pack from the server arrived damaged')
  const found = await scan(bytes)
  const entries: PackEntry[] = []
  const inside = new Set<Oid>()
  let waiting = found
  while (waiting.length > 0) {
    const later: Entry[] = []
    for (const entry of waiting) {
      // A base inside the pack may come behind its delta.
      if (entry.base !== undefined && !reader.has(entry.base)) {
        later.push(entry)
        continue
      }
      const { type, body } = reader.readAt(bytes, entry.offset)
      const { oid } = nameObject(type, body)
      entries.push({ oid, offset: entry.offset, crc: entry.crc })
      inside.add(oid)
      reader.add(bytes, [{ oid, offset: entry.offset }])
      if (entries.length % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    if (later.length === waiting.length) throw damagedPack(`the base ${later[0]?.base} of a delta was not sent`)
    waiting = later
  }
  const outside = new Set(found.flatMap(({ base }) => (base === undefined || inside.has(base) ? [] : [base])))
  return appendObjects({ bytes, entries }, readAll(outside, reader))
}

function badAnswer(message: string): Problem {
  return new Problem({ kind: 'retry', code: 'GIT_BAD_ANSWER', message })
}

function readAll(oids: Iterable<Oid>, reader: PackReader): NamedObject[] {
  return [...oids].flatMap((oid) => {
    const object = reader.read(oid)
    return object === undefined ? [] : [{ oid, ...object }]
  })
}

/** Where each entry of a pack begins: each has to be unpacked to learn where the next one does. */
async function scan(bytes: Buffer): Promise<Entry[]> {
  const count = bytes.readUInt32BE(8)
  const entries: Entry[] = []
  let offset = 12
  for (let i = 0; i < count; i += 1) {
    const { size, dataAt, base } = readEntryHeader(bytes, offset)
    const end = dataAt + packedLength(bytes, dataAt, size)
    entries.push({ offset, crc: crc32(bytes.subarray(offset, end)), base })
    offset = end
    if (i % 1000 === 999) await new Promise((resolve) => setImmediate(resolve))
  }
  if (offset !== bytes.length - 20) throw damagedPack('a pack holds more than it says')
  return entries
}

function packedLength(bytes: Buffer, at: number, size: number): number {
  try {
    const result: unknown = inflateSync(bytes.subarray(at, -20), { info: true, maxOutputLength: Math.max(size, 1) })
    if (typeof result === 'object' && result !== null && 'engine' in result) {
      const { engine } = result
      if (typeof engine === 'object' && engine !== null && 'bytesWritten' in engine) return Number(engine.bytesWritten)
    }
  } catch (error) {
    throw damagedPack('an object cannot be unpacked', error)
  }
  throw damagedPack('an object cannot be unpacked')
}
