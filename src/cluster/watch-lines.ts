import { stringAt } from '../lib/json.ts'
import type { Json } from '../lib/json.ts'
import { Problem } from '../lib/problem.ts'
import type { WatchLine } from './transport.ts'

/**
 * The lines of a watch from the bytes of its body: one JSON document a line, cut anywhere, also inside a character. Throws
 * a Problem (`retry`) at a line that is no watch line or is longer than `limitBytes`.
 */
export async function* watchLines(chunks: AsyncIterable<Uint8Array>, limitBytes: number): AsyncGenerator<WatchLine> {
  const decoder = new TextDecoder()
  let parts: string[] = []
  let length = 0
  for await (const chunk of chunks) {
    const pieces = decoder.decode(chunk, { stream: true }).split('\n')
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) {
        const line = parts.join('')
        parts = []
        length = 0
        if (line.trim() !== '') yield parseLine(line)
      }
      parts.push(piece)
      length += piece.length
      if (length > limitBytes) throw broken(`a line of a watch is longer than ${limitBytes} bytes`)
    }
  }
}

function parseLine(line: string): WatchLine {
  let parsed: Json
  try {
    parsed = JSON.parse(line) as Json
  } catch (error) {
    throw broken('a line of a watch is no JSON', error)
  }
  const type = stringAt(parsed, 'type')
  if (type === undefined || typeof parsed !== 'object' || parsed === null || !('object' in parsed)) {
    throw broken('a line of a watch has no type and object')
  }
  return { type, object: parsed['object'] ?? null }
}

function broken(message: string, cause?: unknown): Problem {
  return new Problem({ kind: 'retry', code: 'CLUSTER_UNEXPECTED', message, cause })
}
