import { Command, CommanderError, Option } from 'commander'
import { toProblem } from '../lib/problem.ts'
import { commands, type CommandEntry } from './commands.ts'
import { exitCodes } from './exit-codes.ts'
import { version } from './version.ts'

/** Codes of problems that are in what was asked, not in what was found. */
const USAGE_CODES: ReadonlySet<string> = new Set(['USAGE', 'CONFIG_INVALID'])

/** Runs one command line, as `process.argv` holds it, and gives its exit status. What is wrong goes to standard error. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.done
  const program = new Command('serin')
    .description(
      'GitOps reconciler for progressive delivery on Kubernetes: Git always tells the truth about a release.',
    )
    .version(version)
    .showHelpAfterError('(serin --help shows the commands)')
    .exitOverride()
  for (const entry of commands) register(program, entry, (code) => (exitCode = code))
  try {
    await program.parseAsync([...argv])
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
    const problem = toProblem(error)
    process.stderr.write(`serin: ${problem.toString()}\n`)
    if (problem.kind === 'bug' && problem.cause instanceof Error) process.stderr.write(`${problem.cause.stack ?? ''}\n`)
    return USAGE_CODES.has(problem.code) ? exitCodes.usage : exitCodes.outside
  }
}

function register(program: Command, entry: CommandEntry, done: (code: number) => void): void {
  const command = program.command(entry.name).description(entry.description)
  if (entry.argument !== undefined) command.argument(...entry.argument)
  for (const { flags, description, fallback, isRequired, choices } of entry.options) {
    const option = new Option(flags, description)
    if (choices !== undefined) option.choices(choices)
    if (fallback !== undefined) option.default(fallback)
    command.addOption(option.makeOptionMandatory(isRequired === true))
  }
  command.action(async (...args: unknown[]) => {
    const run = await entry.load()
    done(await run(...(args as never[])))
  })
}
