import type { RawObject } from './objects.ts'
import type { Oid } from './types.ts'

/** Objects by name: what reads and tree edits work on, be it a clone's packs or a map in memory. */
export interface ObjectSource {
  /** The object, or undefined when it is not here. */
  read(oid: Oid): RawObject | undefined
}
