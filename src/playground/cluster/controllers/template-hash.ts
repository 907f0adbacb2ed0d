import type { Json } from '../../../lib/json.ts'
import { canonicalJson } from '../../../lib/json.ts'

const safe = 'bcdfghjklmnpqrstvwxz2456789'

/** A short hash of a pod template for names and labels (FNV-1a, 32 bits, in letters that form no words). */
export function templateHash(template: Json): string {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(canonicalJson(template))) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return String(hash).replaceAll(/\d/g, (digit) => safe[Number(digit)] ?? '')
}
