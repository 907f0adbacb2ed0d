import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request as httpRequest } from 'undici'
import { inject } from 'vitest'
import { createConnectionPool } from '../../../src/cluster/dispatcher.ts'
import { loadClusterSettings } from '../../../src/cluster/kubeconfig.ts'
import type { ApiRequest, KubeTransport, WatchLine } from '../../../src/cluster/transport.ts'
import { connectCluster } from '../../../src/cluster/transport-http.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { at, type Json, numberAt, stringAt } from '../../../src/lib/json.ts'
import { createEmbeddedCluster, type EmbeddedCluster } from '../../../src/playground/cluster/embedded-cluster.ts'
import { kubeconfig } from '../../../src/playground/cluster/kubeconfig.ts'
import { serveCluster } from '../../../src/playground/cluster/serve-cluster.ts'

/** The answer to one request. */
export interface Answer {
  readonly status: number
  /** Parsed where it is JSON, else the text. */
  readonly body: Json
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** A request beyond method, path and JSON body. */
export interface Extras {
  readonly contentType?: string
  readonly accept?: string
  /** Sent as it is, instead of a JSON body. */
  readonly text?: string
}

/** An open watch whose lines are collected. */
export interface Tap {
  readonly lines: readonly WatchLine[]
  /** `TYPE name` of each line. */
  told(): readonly string[]
  /** Waits for a number of lines. */
  have(count: number): Promise<readonly WatchLine[]>
  /** Resolves when the server ends the stream. */
  readonly ended: Promise<void>
  stop(): Promise<void>
}

/** One API server, reached over HTTP by what Serin itself uses, and a fresh namespace on it. */
export interface ServerUnderTest {
  readonly isReal: boolean
  /** Of version 1.x; the embedded server says which one it plays. */
  readonly minor: number
  readonly namespace: string
  readonly transport: KubeTransport
  readonly kubeconfigPath: string
  readonly context: string
  /** The path of something in the namespace: `path('configmaps/a')`, `path('apps/v1', 'deployments')`. */
  path(...words: readonly string[]): string
  send(method: ApiRequest['method'], path: string, body?: Json, extras?: Extras): Promise<Answer>
  merge(path: string, body: Json): Promise<Answer>
  /** Applies as a field manager; `force` takes fields from others. */
  apply(path: string, manager: string, body: Json, force?: boolean): Promise<Answer>
  watch(path: string): Promise<Tap>
  /** Installs a CustomResourceDefinition of a group of its own, and waits until it is served; it is deleted at the end. */
  install(definition: Definition): Promise<Installed>
  /** Makes versions from before now too old, on the embedded server; a real one remembers nothing from before a definition. */
  forget(): void
  /** Repeats a look until it gives something, for 20 s at most. */
  until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T>
  /** What a version up to `minor - 1` gives, and what one from `minor` on gives. */
  since<T>(minor: number, now: T, before: T): T
  close(): Promise<void>
}

/** What a test says about a definition: its versions as they stand, names are made from the kind. */
export interface Definition {
  readonly kind: string
  readonly scope?: 'Namespaced' | 'Cluster'
  readonly versions: readonly { readonly [field: string]: Json }[]
}

export interface Installed {
  readonly group: string
  readonly plural: string
  /** Of the definition itself. */
  readonly path: string
}

const PATIENCE_MS = 20_000
const LOOK_EVERY_MS = 20
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

/** The real control plane in project `real`, an embedded cluster of its own in project `own`. */
export async function serverUnderTest(): Promise<ServerUnderTest> {
  const shared = inject('controlPlane')
  return shared === undefined
    ? embedded()
    : connect({ ...shared, isReal: true, forget: () => {}, close: async () => {} })
}

async function embedded(): Promise<ServerUnderTest> {
  const cluster: EmbeddedCluster = createEmbeddedCluster({ clock: systemClock, random: Math.random, podStartMs: 20 })
  const served = await serveCluster(cluster)
  const folder = mkdtempSync(join(tmpdir(), 'serin-api-conformance-'))
  const kubeconfigPath = join(folder, 'kubeconfig')
  writeFileSync(kubeconfigPath, kubeconfig(served.url))
  const close = async (): Promise<void> => {
    cluster.stop()
    await served.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return connect({ kubeconfigPath, context: 'serin-demo', isReal: false, forget: () => cluster.compact(), close })
}

interface Place {
  readonly kubeconfigPath: string
  readonly context: string
  readonly isReal: boolean
  forget(): void
  close(): Promise<void>
}

async function connect(place: Place): Promise<ServerUnderTest> {
  const { kubeconfigPath, context } = place
  const connection = await connectCluster({ userAgent: 'conformance/1.0', kubeconfigPath, context })
  const raw = await rawRequests(kubeconfigPath, context)
  const { send } = raw
  const minor = Number.parseInt(stringAt((await send('GET', '/version')).body, 'minor') ?? '', 10)
  const namespace = `conformance-${randomBytes(4).toString('hex')}`
  const metadata = { name: namespace }
  await expectStatus(send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata }), 201)
  const taps = new Set<Tap>()
  const definitions: string[] = []
  const until = patience()
  return {
    isReal: place.isReal,
    minor,
    namespace,
    transport: connection.transport,
    kubeconfigPath,
    context,
    path: (...words) => {
      const [version, rest] = words.length === 1 ? ['v1', words[0]] : words
      const root = version === 'v1' ? '/api/v1' : `/apis/${version}`
      return `${root}/namespaces/${namespace}/${rest}`
    },
    send,
    merge: (path, body) => send('PATCH', path, body, { contentType: 'application/merge-patch+json' }),
    apply: (path, manager, body, force = false) => {
      const query = `?fieldManager=${manager}${force ? '&force=true' : ''}`
      return send('PATCH', `${path}${query}`, body, { contentType: 'application/apply-patch+yaml' })
    },
    watch: async (path) => {
      const tap = await openTap(connection.transport, path)
      taps.add(tap)
      return tap
    },
    install: async (definition) => {
      const installed = await install(definition, send, until)
      definitions.push(installed.path)
      return installed
    },
    until,
    forget: () => place.forget(),
    since: (from, now, before) => (minor >= from ? now : before),
    close: async () => {
      for (const tap of taps) await tap.stop()
      for (const path of definitions) await send('DELETE', path)
      await send('DELETE', `/api/v1/namespaces/${namespace}`)
      await raw.close()
      await connection.close()
      await place.close()
    },
  }
}

type Send = ServerUnderTest['send']

async function rawRequests(kubeconfigPath: string, context: string): Promise<{ send: Send; close(): Promise<void> }> {
  const settings = await loadClusterSettings({ kubeconfigPath, context })
  const pool = createConnectionPool(undefined)
  const send: Send = async (method, path, body, { contentType = 'application/json', accept, text } = {}) => {
    const { authorization, tls } = await settings.access()
    const content = text ?? (body === undefined ? undefined : JSON.stringify(body))
    const answer = await httpRequest(`${settings.serverUrl}${path}`, {
      method,
      dispatcher: pool.for(tls).requests,
      headers: {
        accept: accept ?? 'application/json',
        'user-agent': 'conformance/1.0',
        ...(authorization === undefined ? {} : { authorization }),
        ...(content === undefined ? {} : { 'content-type': contentType }),
      },
      ...(content === undefined ? {} : { body: content }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    const received = await answer.body.text()
    const isJson = String(answer.headers['content-type']).includes('json')
    return { status: answer.statusCode, body: isJson ? parsed(received) : received, headers: answer.headers }
  }
  return { send, close: () => pool.close() }
}

/** A watch is JSON line by line: it stays the text that it is. */
function parsed(text: string): Json {
  try {
    const value: Json = JSON.parse(text)
    return value
  } catch {
    return text
  }
}

async function openTap(transport: KubeTransport, path: string): Promise<Tap> {
  const abort = new AbortController()
  const answer = await transport.watch({ method: 'GET', path, signal: abort.signal })
  if (answer.kind === 'refused') throw new Error(`the watch of ${path} was answered ${answer.response.status}`)
  const lines: WatchLine[] = []
  const read = async (): Promise<void> => {
    try {
      for await (const line of answer.lines) lines.push(line)
    } catch (error) {
      if (!abort.signal.aborted) throw error
    }
  }
  const ended = read()
  const told = (): readonly string[] =>
    lines.map(({ type, object }) => `${type} ${stringAt(object, 'metadata', 'name') ?? ''}`.trim())
  return {
    lines,
    told,
    ended,
    have: async (count) => {
      const endMs = Date.now() + PATIENCE_MS
      while (lines.length < count) {
        if (Date.now() > endMs) throw new Error(`waited for ${count} lines of ${path}, got: ${told().join(', ')}`)
        await pause()
      }
      return lines
    },
    stop: async () => {
      abort.abort()
      await ended
    },
  }
}

function patience(): ServerUnderTest['until'] {
  return async (what, look) => {
    const endMs = Date.now() + PATIENCE_MS
    for (;;) {
      const seen = await look()
      if (seen !== undefined && seen !== false) return seen
      if (Date.now() > endMs) throw new Error(`waited ${PATIENCE_MS} ms in vain until ${what}`)
      await pause()
    }
  }
}

async function install(
  { kind, scope = 'Namespaced', versions }: Definition,
  send: Send,
  until: ServerUnderTest['until'],
): Promise<Installed> {
  const group = `x${randomBytes(4).toString('hex')}.example.com`
  const singular = kind.toLowerCase()
  const plural = `${singular}s`
  const path = `${DEFINITIONS}/${plural}.${group}`
  const body: Json = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: { group, scope, names: { kind, plural, singular, listKind: `${kind}List` }, versions },
  }
  await expectStatus(send('POST', DEFINITIONS, body), 201)
  const served = versions.find((version) => version['served'] === true)
  if (served !== undefined) {
    const list = `/apis/${group}/${stringAt(served, 'name')}/${plural}`
    await until(`${plural} are served`, async () => (await send('GET', list)).status === 200)
  }
  return { group, plural, path }
}

/** Waits for an answer that must have a status, and gives its body. */
export async function expectStatus(answer: Promise<Answer>, status: number): Promise<Json> {
  const { status: got, body } = await answer
  if (got !== status) throw new Error(`expected ${status}, got ${got}: ${messageOf(body)}`)
  return body
}

/** Status, reason and message of a refusal. */
export function refusal({ status, body }: Answer): readonly [number, string | undefined, string] {
  return [status, stringAt(body, 'reason'), messageOf(body)]
}

function messageOf(body: Json): string {
  return stringAt(body, 'message') ?? (typeof body === 'string' ? body : JSON.stringify(body))
}

/** `field: message` of each cause, sorted: a server gives them in no order. */
export function causes({ body }: Answer): readonly string[] {
  return listAt(body, 'details', 'causes')
    .map((one) => `${stringAt(one, 'field')}: ${stringAt(one, 'message')}`)
    .toSorted()
}

/** An object's resourceVersion. */
export function versionOf(body: unknown): string {
  return stringAt(body, 'metadata', 'resourceVersion') ?? ''
}

/** An object's uid. */
export function uidOf(body: unknown): string {
  return stringAt(body, 'metadata', 'uid') ?? ''
}

export function generationOf(body: unknown): number | undefined {
  return numberAt(body, 'metadata', 'generation')
}

/** A list inside a body; empty when there is none. */
export function listAt(body: unknown, ...path: readonly string[]): readonly Json[] {
  const list = at(body, ...path)
  return Array.isArray(list) ? list : []
}

/** The names in a list of objects, in its order. */
export function namesOf(list: unknown): readonly string[] {
  return listAt(list, 'items').map((item) => stringAt(item, 'metadata', 'name') ?? '')
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
}
