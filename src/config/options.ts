/** One setting: where it is in `serin.yaml`; its variable and flag follow from that. */
export interface Option {
  /** Dotted path in the configuration file, for example `repository.tokenFile`. */
  readonly key: string
  /** How text from a variable or a flag is read. Lists are separated by commas. */
  readonly type: 'text' | 'number' | 'list'
  /** What it does, in one sentence. */
  readonly help: string
  /** What holds where it is not set, when that is no fixed value. */
  readonly fallback?: string
  /** Never shown, and not to be had as a flag: command lines can be seen by others. */
  readonly secret?: true
}

/** Every setting, in the order of the reference table. Schema, variables, flags and documentation follow this list. */
export const OPTIONS: readonly Option[] = [
  { key: 'repository.url', type: 'text', help: 'HTTP(S) address of the Git repository. Required.' },
  { key: 'repository.branch', type: 'text', help: 'The source branch: the one that people merge into.' },
  { key: 'repository.paths', type: 'list', help: 'Folders and files that hold manifests; `.` is everything.' },
  { key: 'repository.poll', type: 'text', help: 'When to look for new commits, as a cron schedule with seconds.' },
  { key: 'repository.username', type: 'text', help: 'User name; with a token, most servers take any.' },
  { key: 'repository.password', type: 'text', secret: true, help: 'Password of that user.' },
  { key: 'repository.passwordFile', type: 'text', help: 'File that holds the password; read anew each time.' },
  { key: 'repository.token', type: 'text', secret: true, help: 'Access token, sent as password.' },
  { key: 'repository.tokenFile', type: 'text', help: 'File that holds the access token; read anew each time.' },
  { key: 'cluster.name', type: 'text', help: 'Name of this cluster: part of the name of its ledger.' },
  {
    key: 'cluster.namespaces',
    type: 'list',
    fallback: 'all namespaces',
    help: 'Only canaries and manifests of these namespaces are looked after.',
  },
  {
    key: 'ledger.branch',
    type: 'text',
    fallback: '`serin/` and the name of the cluster',
    help: 'The branch that Serin writes.',
  },
  {
    key: 'ledger.pushIntervalMs',
    type: 'number',
    help: 'Shortest time between two pushes, in milliseconds; 0 pushes at once.',
  },
  {
    key: 'rollback.mode',
    type: 'text',
    help: 'How a failed release is taken back on the source branch: `commit`, or `status-only` (not at all).',
  },
  { key: 'identity.name', type: 'text', help: 'Author of the commits.' },
  { key: 'identity.email', type: 'text', help: 'E-mail address of the author.' },
  {
    key: 'forge.kind',
    type: 'text',
    fallback: '`github` for a repository on github.com, else `none`',
    help: 'Where pull requests are: `github` or `none`.',
  },
  { key: 'forge.apiUrl', type: 'text', help: 'Address of the API; for GitHub Enterprise `https://HOST/api/v3`.' },
  {
    key: 'forge.repository',
    type: 'text',
    fallback: 'from `repository.url`',
    help: 'The repository there, as `owner/name`.',
  },
  {
    key: 'forge.token',
    type: 'text',
    secret: true,
    fallback: 'the token of the repository',
    help: 'Access token for the API.',
  },
  { key: 'forge.tokenFile', type: 'text', help: 'File that holds that token; read anew each time.' },
  { key: 'metricsServer', type: 'text', help: 'Address of Prometheus, for canaries that name none.' },
  { key: 'provider', type: 'text', help: 'Traffic provider, for canaries that name none.' },
  { key: 'minimumInterval', type: 'text', help: 'Shorter analysis intervals are raised to this one.' },
  {
    key: 'dataDirectory',
    type: 'text',
    help: 'Folder for the clone and for what waits to be written to Git.',
  },
  { key: 'server.host', type: 'text', help: 'Address to listen on; `127.0.0.1` for this machine only.' },
  { key: 'server.port', type: 'number', help: 'Port for health, metrics and webhooks; 0 takes any free one.' },
  { key: 'server.webhookSecret', type: 'text', secret: true, help: 'Secret that push webhooks are signed with.' },
  { key: 'server.webhookSecretFile', type: 'text', help: 'File that holds that secret.' },
  { key: 'log.level', type: 'text', help: '`trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`.' },
]

/** The environment variable of a setting: `SERIN_REPOSITORY_TOKEN_FILE`. */
export function variableOf({ key }: Option): string {
  return `SERIN_${words(key).join('_').toUpperCase()}`
}

/** The flag of a setting, `--repository-token-file`; undefined for secrets. */
export function flagOf({ key, secret }: Option): string | undefined {
  return secret === true ? undefined : `--${words(key).join('-')}`
}

/** The name under which a command line parser keeps the flag's value: `repositoryTokenFile`. */
export function attributeOf({ key }: Option): string {
  const [first = '', ...rest] = words(key)
  return first + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

function words(key: string): string[] {
  return key.replaceAll(/[A-Z]/g, (letter) => `.${letter.toLowerCase()}`).split('.')
}
