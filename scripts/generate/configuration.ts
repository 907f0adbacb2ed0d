import { flagOf, type Option, OPTIONS, variableOf } from '../../src/config/options.ts'
import { loadConfig } from '../../src/config/load.ts'
import { describeConfig } from '../../src/config/describe.ts'
import { at, type Json } from '../../src/lib/json.ts'

/** The reference of all settings as Markdown, with the defaults that the program itself uses. */
export function configurationReference(): string {
  const url = 'https://git.example.com/fleet.git'
  const { config } = loadConfig({ env: { SERIN_REPOSITORY_URL: url }, flags: {} })
  if (config === undefined) throw new Error('the default configuration is not valid')
  const defaults = describeConfig(config)
  const rows = OPTIONS.map((option) => {
    const flag = flagOf(option)
    const cells = [
      code(option.key),
      code(variableOf(option)),
      flag === undefined ? 'none: a secret' : code(flag),
      defaultOf(option, at(defaults, ...option.key.split('.'))),
      option.help,
    ]
    return `| ${cells.join(' | ')} |`
  })
  return `${HEAD}\n| key | variable | flag | default | what it does |\n| --- | --- | --- | --- | --- |\n${rows.join('\n')}\n`
}

const HEAD = `<!-- Generated from src/config by npm run generate. -->

# Configuration

Settings come from a file, \`serin.yaml\`, from environment variables and from flags; a variable wins over the file, a flag
over both. Only \`repository.url\` has no default. Unknown keys in the file are errors, with their line.

\`\`\`yaml
repository:
  url: https://github.com/example/fleet
  tokenFile: /var/run/secrets/serin/token
cluster:
  name: production
\`\`\`

The key of a setting is its path in the file: \`repository.tokenFile\` is the key \`tokenFile\` below \`repository\`. Lists are
separated by commas in variables and flags. Empty variables count as not set.
`

function defaultOf(option: Option, value: Json | undefined): string {
  if (option.fallback !== undefined) return option.fallback
  if (option.key === 'repository.url' || value === undefined) return ''
  return code(
    Array.isArray(value) ? value.join(',') : typeof value === 'object' ? JSON.stringify(value) : String(value),
  )
}

function code(text: string): string {
  return `\`${text}\``
}
