import { OPTIONS, flagOf } from '../config/options.ts'

/** A command as the help shows it, and where its code is; that is loaded only when the command runs. */
export interface CommandEntry {
  readonly name: string
  readonly description: string
  /** As commander writes them: `<required...>` or `[optional]`. */
  readonly argument?: readonly [name: string, description: string]
  readonly options: readonly CommandOption[]
  readonly load: () => Promise<(...args: never[]) => Promise<number>>
}

export interface CommandOption {
  readonly flags: string
  readonly description: string
  readonly fallback?: string
  readonly isRequired?: true
  /** The only values there are. */
  readonly choices?: readonly string[]
}

/** The first one is the default. */
const output = (...choices: readonly [string, ...string[]]): CommandOption => ({
  flags: '--output <format>',
  description: 'how to write the answer',
  fallback: choices[0],
  choices,
})

const ledgerOptions: readonly CommandOption[] = [
  { flags: '-c, --config <file>', description: 'configuration file', fallback: 'serin.yaml' },
  { flags: '--repository <url>', description: 'the repository instead of a configuration: an address or a local path' },
  { flags: '--ledger <branch>', description: 'the ledger branch of that repository', fallback: 'serin/default' },
]

/** The flags of all settings, as the configuration's reference lists them. */
const settings: readonly CommandOption[] = OPTIONS.flatMap((option) => {
  const flag = flagOf(option)
  return flag === undefined ? [] : [{ flags: `${flag} <value>`, description: option.help }]
})

/** Every command, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'run',
    description: 'the reconciler: watches a Git repository and a cluster until it is stopped',
    options: [
      { flags: '-c, --config <file>', description: 'configuration file', fallback: 'serin.yaml' },
      { flags: '--kubeconfig <file>', description: 'else KUBECONFIG, the default file or the in-cluster credentials' },
      { flags: '--context <name>', description: 'context of the kubeconfig' },
      ...settings,
    ],
    load: async () => (await import('./commands/run.ts')).run,
  },
  {
    name: 'demo',
    description: 'the whole story on this machine: merge, canary, promotion, rollback commit, revert',
    options: [
      { flags: '--out <dir>', description: 'keep the repository and the logs there' },
      { flags: '--serve', description: 'stay up afterwards, with a kubeconfig for kubectl' },
    ],
    load: async () => (await import('./commands/demo.ts')).demo,
  },
  {
    name: 'validate',
    description: 'read manifests and configuration as the reconciler would',
    argument: ['<path...>', 'files or folders'],
    options: [output('text', 'json')],
    load: async () => (await import('./commands/validate.ts')).validate,
  },
  {
    name: 'render',
    description: 'print the objects that Serin would write for a weight',
    argument: ['<path...>', 'files or folders with the Canary and its target'],
    options: [
      { flags: '--weight <percent>', description: "the canary's share of the traffic, 0 to 100", isRequired: true },
      { flags: '--provider <name>', description: 'traffic provider, where the Canary names none', fallback: 'istio' },
      output('yaml', 'json'),
    ],
    load: async () => (await import('./commands/render.ts')).render,
  },
  {
    name: 'rehearse',
    description: 'play a release of these manifests on an embedded cluster: minutes in a second',
    argument: ['<path...>', 'files or folders'],
    options: [
      {
        flags: '--fault <fault...>',
        description: 'what goes wrong: error-rate=0.5, latency=2s, never-ready, git-down=2m, api-errors=0.2',
      },
      output('text', 'json'),
    ],
    load: async () => (await import('./commands/rehearse.ts')).rehearse,
  },
  {
    name: 'status',
    description: 'where every rollout stands, from Git alone',
    argument: ['[canary]', 'namespace/name'],
    options: [...ledgerOptions, output('text', 'json')],
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    name: 'history',
    description: 'what happened, from Git alone',
    argument: ['[canary]', 'namespace/name'],
    options: [
      ...ledgerOptions,
      { flags: '--limit <number>', description: 'the newest so many', fallback: '50' },
      output('text', 'json'),
    ],
    load: async () => (await import('./commands/history.ts')).history,
  },
]
