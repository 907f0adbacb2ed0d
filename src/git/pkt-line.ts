import { Problem } from '../lib/problem.ts'

/** The packet that ends a section. */
export const flushPacket = Buffer.from('0000')
/** The packet that parts capabilities from arguments in protocol 2. */
export const delimiterPacket = Buffer.from('0001')

/** One packet: four hex digits of length, themselves included, and the payload (gitprotocol-common). */
export function packet(payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload)
  if (bytes.length > 65516) throw new RangeError('a packet holds at most 65516 bytes')
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes])
}

/** Payloads in order; a flush or a delimiter is null. Throws a Problem when the bytes are no packets. */
export function* readPackets(bytes: Buffer): Generator<Buffer | null> {
  for (let at = 0; at < bytes.length;) {
    const digits = bytes.toString('latin1', at, at + 4)
    const length = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : -1
    if (length >= 0 && length <= 2) {
      yield null
      at += 4
      continue
    }
    if (length < 4 || at + length > bytes.length) {
      throw new Problem({ kind: 'retry', code: 'GIT_BAD_ANSWER', message: 'the server sent a malformed answer' })
    }
    yield bytes.subarray(at + 4, at + length)
    at += length
  }
}
