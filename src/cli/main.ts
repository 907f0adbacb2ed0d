#!/usr/bin/env node
import { runCommandLine } from './command-line.ts'

/** What a shell reports of a program whose reader went away. */
const READER_GONE = 141

// `serin history | head` is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(READER_GONE)
})
process.exitCode = await runCommandLine(process.argv)
