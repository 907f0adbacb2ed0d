import type { Spool } from './ports.ts'

/** A spool in memory: for simulations, where the "disk" outlives the process that is killed. */
export function memorySpool(): Spool {
  const texts = new Map<string, string>()
  return {
    put: async (key, text) => void texts.set(key, text),
    remove: async (key) => void texts.delete(key),
    all: async () => new Map(texts),
  }
}
