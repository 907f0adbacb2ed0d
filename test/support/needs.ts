import { execFileSync } from 'node:child_process'

const told = new Set<string>()

/**
 * Where a program is that a test runs, or undefined when this machine lacks it: the test is then left out, and one line
 * says so. In CI nothing is left out: there it throws.
 */
export function needs(program: string, debianPackage: string = program): string | undefined {
  const path = find(program)
  if (path !== undefined) return path
  if (isCi()) throw new Error(`${program} is missing, and CI leaves no test out: apt-get install ${debianPackage}`)
  if (!told.has(program)) {
    told.add(program)
    console.log(`left out: tests that run ${program} (apt-get install ${debianPackage} adds them)`)
  }
  return undefined
}

/** In CI a missing part is a failure. */
export function isCi(): boolean {
  return (process.env['CI'] ?? '') !== '' && process.env['CI'] !== 'false'
}

function find(program: string): string | undefined {
  try {
    return execFileSync('sh', ['-c', `command -v "$1"`, 'sh', program], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}
