import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { KubeConfig } from '@kubernetes/client-node'
import { Problem } from '../lib/problem.ts'

/** Where the settings for a cluster come from. */
export interface KubeconfigChoice {
  /** A file; without it `KUBECONFIG`, `~/.kube/config`, then the pod's service account, as kubectl does. */
  readonly kubeconfigPath?: string | undefined
  /** A context's name; the file's current one when absent. */
  readonly context?: string | undefined
}

/** What one request needs to reach and please the server. Read anew for each request, as tokens and files change. */
export interface Access {
  readonly authorization: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly tls: Tls
}

/** TLS settings; equal settings may share connections. */
export interface Tls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
  readonly rejectUnauthorized: boolean
}

type TextSetting = Exclude<keyof Tls, 'rejectUnauthorized'>

/** The settings for one cluster, loaded. */
export interface ClusterSettings {
  /** Without credentials and without a slash at the end. */
  readonly serverUrl: string
  readonly proxyUrl: string | undefined
  readonly namespace: string
  access(): Promise<Access>
}

const nobody = 'serin: no user'
const serviceAccountToken = '/var/run/secrets/kubernetes.io/serviceaccount/token'

/**
 * Reads the settings of a cluster. Throws a Problem (`stalled`): KUBECONFIG_MISSING, KUBECONFIG_INVALID. The content of
 * the file is never quoted, as it holds credentials.
 */
export async function loadClusterSettings(choice: KubeconfigChoice): Promise<ClusterSettings> {
  const config = await loadConfig(choice)
  const context = config.getContextObject(config.getCurrentContext())
  const cluster = config.getCurrentCluster()
  if (context === null || cluster === null) {
    throw invalid(`no cluster for the context ${JSON.stringify(config.getCurrentContext() ?? '')}`, choice)
  }
  // The library reads no certificate authority for a context without a user.
  if (config.getCurrentUser() === null) {
    config.users = [...config.users, { name: nobody }]
    config.contexts = config.contexts.map((one) => (one.name === context.name ? { ...one, user: nobody } : one))
  }
  const serverUrl = checkedServer(cluster.server, choice)
  // The library refuses plain http otherwise; `checkedServer` allows it for this machine only.
  if (serverUrl.startsWith('http:')) config.clusters = config.clusters.map((one) => ({ ...one, skipTLSVerify: true }))
  return {
    serverUrl,
    proxyUrl: cluster.proxyUrl ?? undefined,
    namespace: context.namespace?.trim() || 'default',
    access: () => accessOf(config, choice),
  }
}

async function loadConfig(choice: KubeconfigChoice): Promise<KubeConfig> {
  // The library takes its time to load, which a command that needs no cluster should not pay.
  const { KubeConfig } = await import('./kubeconfig-library.ts')
  const config = new KubeConfig()
  const files = filesOf(choice)
  if (files.length === 0) {
    if (!existsSync(serviceAccountToken) || process.env['KUBERNETES_SERVICE_HOST'] === undefined) throw missing(choice)
    config.loadFromCluster()
    return config
  }
  for (const [index, file] of files.entries()) {
    try {
      if (index === 0) config.loadFromFile(file)
      else {
        const more = new KubeConfig()
        more.loadFromFile(file)
        mergeMissing(config, more)
      }
    } catch (error) {
      // No cause is kept: a YAML error quotes lines of the file.
      throw invalid(lineOf(error), choice, file)
    }
  }
  if (choice.context !== undefined) {
    if (config.getContextObject(choice.context) === null) {
      throw invalid(`no context ${JSON.stringify(choice.context)}`, choice, files.join(delimiter))
    }
    config.setCurrentContext(choice.context)
  }
  return config
}

function filesOf({ kubeconfigPath }: KubeconfigChoice): readonly string[] {
  if (kubeconfigPath !== undefined) {
    if (existsSync(kubeconfigPath)) return [kubeconfigPath]
    throw missing({ kubeconfigPath })
  }
  const listed = (process.env['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '')
  if (listed.length > 0) {
    const present = listed.filter((file) => existsSync(file))
    if (present.length === 0) throw missing({ kubeconfigPath: listed.join(delimiter) })
    return present
  }
  const usual = join(homedir(), '.kube', 'config')
  return existsSync(usual) ? [usual] : []
}

/** As kubectl merges: the first file that names a cluster, user or context wins. */
function mergeMissing(config: KubeConfig, more: KubeConfig): void {
  const lacks = (known: readonly { name: string }[]) => (one: { name: string }) =>
    !known.some(({ name }) => name === one.name)
  config.clusters = [...config.clusters, ...more.clusters.filter(lacks(config.clusters))]
  config.users = [...config.users, ...more.users.filter(lacks(config.users))]
  config.contexts = [...config.contexts, ...more.contexts.filter(lacks(config.contexts))]
  config.currentContext ??= more.currentContext
}

async function accessOf(config: KubeConfig, choice: KubeconfigChoice): Promise<Access> {
  const options: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = {}
  try {
    await config.applyToHTTPSOptions(options)
  } catch (error) {
    const said = error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''
    throw new Problem({
      kind: 'retry',
      code: 'CLUSTER_CREDENTIALS_UNAVAILABLE',
      message: `the credentials of the context ${JSON.stringify(config.getCurrentContext())} cannot be read: ${said}`,
      place: choice.kubeconfigPath,
      hint: 'check the files and the exec command that the kubeconfig names',
    })
  }
  const { Authorization: authorization, ...headers } = stringsOf(options.headers)
  return {
    authorization: basicOf(options.auth) ?? authorization,
    headers,
    tls: {
      ...textOf('ca', options.ca),
      ...textOf('cert', options.cert),
      ...textOf('key', options.key),
      ...textOf('servername', 'servername' in options ? options.servername : undefined),
      rejectUnauthorized: options.rejectUnauthorized !== false,
    },
  }
}

function basicOf(auth: string | null | undefined): string | undefined {
  return typeof auth === 'string' ? `Basic ${Buffer.from(auth).toString('base64')}` : undefined
}

function stringsOf(headers: unknown): Record<string, string> {
  const pairs = typeof headers === 'object' && headers !== null ? Object.entries(headers) : []
  return Object.fromEntries(pairs.map(([name, value]) => [name, String(value)]))
}

function textOf(name: TextSetting, value: unknown): Partial<Record<TextSetting, string>> {
  if (typeof value === 'string') return { [name]: value }
  return Buffer.isBuffer(value) ? { [name]: value.toString('utf8') } : {}
}

function checkedServer(server: string | undefined, choice: KubeconfigChoice): string {
  const url = URL.canParse(server ?? '') ? new URL(server ?? '') : undefined
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw invalid('the server of its cluster is no http or https address', choice)
  }
  if (url.protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)) {
    throw invalid(`its server ${JSON.stringify(url.host)} is plain http, which is allowed on this machine only`, choice)
  }
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`
}

function missing({ kubeconfigPath }: KubeconfigChoice): Problem {
  return new Problem({
    kind: 'stalled',
    code: 'KUBECONFIG_MISSING',
    message:
      kubeconfigPath === undefined
        ? 'there is no kubeconfig and this is no pod of a cluster'
        : `the kubeconfig ${JSON.stringify(kubeconfigPath)} does not exist`,
    place: kubeconfigPath,
    hint: 'name one with --kubeconfig or KUBECONFIG, or try "serin demo", which needs no cluster',
  })
}

function invalid(what: string, { kubeconfigPath }: KubeconfigChoice, file = kubeconfigPath): Problem {
  return new Problem({
    kind: 'stalled',
    code: 'KUBECONFIG_INVALID',
    message: `the kubeconfig cannot be used: ${what}`,
    place: file,
    hint: 'compare with "kubectl config view"',
  })
}

function lineOf(error: unknown): string {
  const mark: unknown = typeof error === 'object' && error !== null && 'mark' in error ? error.mark : undefined
  if (typeof mark === 'object' && mark !== null && 'line' in mark && typeof mark.line === 'number') {
    return `line ${mark.line + 1} is no valid YAML`
  }
  return 'it does not have the form of a kubeconfig'
}
