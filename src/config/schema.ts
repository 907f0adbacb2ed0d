import { validate as isCron } from 'node-cron'
import { z } from 'zod'
import { durationMs } from '../resources/duration.ts'
import { PROVIDERS } from '../resources/fields.ts'

const HttpUrl = z.string().refine((text) => isHttpUrl(text), { error: 'is no http or https address', abort: true })
const Text = z.string().min(1)
const NamespaceName = z.string().refine((text) => isNamespaceName(text), { error: 'is no name of a namespace' })
const BranchName = Text.refine(isBranchName, { error: 'is no name that a branch can have' })

const Repository = z.strictObject({
  url: HttpUrl.refine((url) => new URL(url).username === '' && new URL(url).password === '', {
    error: 'holds credentials; set repository.username and repository.tokenFile instead',
  }),
  branch: BranchName.default('main'),
  paths: z.array(Text).min(1).default(['.']),
  poll: z
    .string()
    .refine((text) => isCron(text), { error: 'is no cron schedule' })
    .default('*/30 * * * * *'),
  username: Text.optional(),
  password: Text.optional(),
  passwordFile: Text.optional(),
  token: Text.optional(),
  tokenFile: Text.optional(),
})

const Forge = z.strictObject({
  kind: z.enum(['github', 'none']).optional(),
  apiUrl: HttpUrl.default('https://api.github.com'),
  repository: z
    .string()
    .regex(/^[^/\s]+\/[^/\s]+$/)
    .optional(),
  token: Text.optional(),
  tokenFile: Text.optional(),
})

/** `serin.yaml` as people write it; everything has a default but the address of the repository. */
export const ConfigFile = z.strictObject({
  repository: Repository,
  cluster: z
    .strictObject({
      name: z
        .string()
        .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/)
        .default('default'),
      namespaces: z.array(NamespaceName).default([]),
    })
    .prefault({}),
  ledger: z.strictObject({ branch: BranchName.optional(), pushIntervalMs: z.int().min(0).default(0) }).prefault({}),
  rollback: z.strictObject({ mode: z.enum(['commit', 'status-only']).default('commit') }).prefault({}),
  identity: z
    .strictObject({ name: PersonPart().default('Serin'), email: PersonPart().default('serin@localhost') })
    .prefault({}),
  forge: Forge.prefault({}),
  metricsServer: HttpUrl.default('http://prometheus:9090'),
  provider: z.enum(PROVIDERS).default('istio'),
  minimumInterval: z
    .string()
    .refine((text) => durationMs(text) !== undefined, { error: 'is no duration; write for example 10s' })
    .default('10s'),
  dataDirectory: Text.default('.serin'),
  server: z
    .strictObject({
      host: Text.default('0.0.0.0'),
      port: z.int().min(0).max(65535).default(8080),
      webhookSecret: Text.optional(),
      webhookSecretFile: Text.optional(),
    })
    .prefault({}),
  log: z
    .strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info') })
    .prefault({}),
})
export type ConfigFile = z.infer<typeof ConfigFile>

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

/** Kubernetes' rule: a label of the DNS (RFC 1123). */
function isNamespaceName(name: string): boolean {
  return /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)
}

/** Git's rules for names of branches, as `git check-ref-format --branch` has them. */
function isBranchName(name: string): boolean {
  if (/[\p{Cc}\s~^:?*[\\]|\.\.|@\{|\/\/|^[-/]|[/.]$/u.test(name)) return false
  return name !== '@' && name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'))
}

/** A name or address in a commit: one line, without the marks that end it there. */
function PersonPart(): z.ZodString {
  return z.string().regex(/^[^<>\r\n]+$/)
}
