import type { Component } from '../control-plane/component.ts'

const LOOK_EVERY_MS = 100

/**
 * Waits until something holds. Rejects after `ms` milliseconds with what was waited for, and at once when the program
 * that should bring it about has ended, with the end of its log.
 */
export async function until(
  what: string,
  ms: number,
  holds: () => boolean | Promise<boolean>,
  program?: Component,
): Promise<void> {
  const endMs = Date.now() + ms
  while (!(await holds())) {
    if (program !== undefined && program.pid() === undefined) {
      throw new Error(`${program.name} has ended:\n${program.lastWords()}`)
    }
    if (Date.now() > endMs) {
      throw new Error(
        `waited ${ms / 1000} s in vain until ${what}${program === undefined ? '' : `:\n${program.lastWords()}`}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}
