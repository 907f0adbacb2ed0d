#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { toProblem } from '../lib/problem.ts'
import { exitCodes } from './exit-codes.ts'
import { version } from './version.ts'

/** Runs one command line. Each command is loaded when it is asked for, because some libraries take a second to load. */
async function main(argv: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.done
  const program = new Command('serin')
    .description(
      'GitOps reconciler for progressive delivery on Kubernetes: Git always tells the truth about a release.',
    )
    .version(version)
    .showHelpAfterError('(serin --help shows the commands)')
    .exitOverride()
  const action =
    <T extends unknown[]>(load: () => Promise<(...args: T) => Promise<number>>) =>
    async (...args: T): Promise<void> => {
      exitCode = await (await load())(...args)
    }

  program
    .command('run')
    .description('the reconciler: watches a Git repository and a cluster until it is stopped')
    .option('-c, --config <file>', 'configuration file', 'serin.yaml')
    .option('--context <name>', 'context of the kubeconfig')
    .option('--kubeconfig <file>', 'kubeconfig; otherwise KUBECONFIG, the default file or the in-cluster credentials')
    .option('--set <key=value...>', 'a setting, for example repository.url=https://…')
    .action(action(async () => (await import('./commands/run.ts')).run))
  program
    .command('demo')
    .description('the whole story on this machine: merge, canary, promotion, rollback commit, revert')
    .option('--out <dir>', 'keep the repository, the logs and the ledger there')
    .option('--serve', 'stay up afterwards, with a kubeconfig for kubectl')
    .action(action(async () => (await import('./commands/demo.ts')).demo))
  program
    .command('validate')
    .description('read manifests and configuration as the reconciler would')
    .argument('<path...>', 'files or folders')
    .option('--output <format>', 'text or json', 'text')
    .action(action(async () => (await import('./commands/validate.ts')).validate))
  program
    .command('render')
    .description('print the objects that Serin would write for a weight, as YAML')
    .argument('<path...>', 'files or folders with the Canary and its target')
    .requiredOption('--weight <percent>', "the canary's share of the traffic, 0 to 100")
    .option('--provider <name>', 'traffic provider, where the Canary names none', 'istio')
    .option('--output <format>', 'yaml or json', 'yaml')
    .action(action(async () => (await import('./commands/render.ts')).render))
  program
    .command('rehearse')
    .description('play a rollout of these manifests on an embedded cluster, minutes in a second')
    .argument('<path...>', 'files or folders')
    .option(
      '--fault <fault...>',
      'what goes wrong: error-rate=0.5, latency=2s, never-ready, git-down=2m, api-errors=0.2',
    )
    .option('--output <format>', 'text or json', 'text')
    .action(action(async () => (await import('./commands/rehearse.ts')).rehearse))
  program
    .command('status')
    .description('where every rollout stands, from Git alone')
    .argument('[canary]', 'namespace/name')
    .option('-c, --config <file>', 'configuration file', 'serin.yaml')
    .option('--repository <url>', 'the repository, instead of a configuration: an address or a local path')
    .option('--ledger <branch>', 'the ledger branch', 'serin/default')
    .option('--output <format>', 'text or json', 'text')
    .action(action(async () => (await import('./commands/status.ts')).status))
  program
    .command('history')
    .description('what happened, from Git alone')
    .argument('[canary]', 'namespace/name')
    .option('-c, --config <file>', 'configuration file', 'serin.yaml')
    .option('--repository <url>', 'the repository, instead of a configuration: an address or a local path')
    .option('--ledger <branch>', 'the ledger branch', 'serin/default')
    .option('--limit <number>', 'the newest so many', '50')
    .option('--output <format>', 'text or json', 'text')
    .action(action(async () => (await import('./commands/history.ts')).history))

  try {
    await program.parseAsync([...argv])
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
    const problem = toProblem(error)
    process.stderr.write(`serin: ${problem.toString()}\n`)
    if (problem.kind === 'bug' && problem.cause instanceof Error) process.stderr.write(`${problem.cause.stack ?? ''}\n`)
    return exitCodes.outside
  }
}

process.exitCode = await main(process.argv)
