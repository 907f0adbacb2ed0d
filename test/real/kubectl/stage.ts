import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { systemClock } from '../../../src/lib/clock.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'
import { createEmbeddedCluster } from '../../../src/playground/cluster/embedded-cluster.ts'
import { installDefinitions } from '../../../src/playground/cluster/install-definitions.ts'
import { kubeconfig } from '../../../src/playground/cluster/kubeconfig.ts'
import { serveCluster } from '../../../src/playground/cluster/serve-cluster.ts'
import { meshDefinitions } from '../../../src/playground/mesh-definitions.ts'
import { crds } from '../../../src/resources/crds.ts'
import { manifestsInText } from '../../../src/source/manifest.ts'
import { sharedData } from '../../support/shared-data.ts'

/** What a program said. */
export interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A cluster of either kind, a fresh namespace in it that kubectl takes for its own, and a shell in front of it. */
export interface KubectlStage {
  readonly namespace: string
  readonly kubeconfigPath: string
  /** Runs kubectl to its end; `input` is what `-f -` reads. A refusal is an answer too. */
  ask(words: readonly string[], input?: string): Promise<Answer>
  /** The same, where anything but success is a failure of the test; gives what it printed. */
  kubectl(words: readonly string[], input?: string): Promise<string>
  /** Runs lines as a person types them, ended after `limitMs`. */
  shell(script: string, limitMs: number): Promise<Answer>
  /** Asks again and again until something holds, for 30 s at most. */
  until(what: string, holds: () => Promise<boolean>): Promise<void>
  close(): Promise<void>
}

const PATIENCE_MS = 30_000
const LOOK_EVERY_MS = 100

/** Opens the control plane that the tests share, or an embedded cluster where there is none. */
export async function openStage(): Promise<KubectlStage> {
  const directory = await mkdtemp(join(tmpdir(), 'serin-kubectl-'))
  const kubeconfigPath = join(directory, 'kubeconfig')
  const shared = inject('controlPlane')
  const closeCluster = shared === undefined ? await embedded(kubeconfigPath) : undefined
  if (shared !== undefined) await copyFile(shared.kubeconfigPath, kubeconfigPath)
  // A home of its own: what kubectl remembers of a server must not be another server's.
  const env = { ...process.env, HOME: directory, KUBECONFIG: kubeconfigPath }
  const ask: KubectlStage['ask'] = (words, input) => run('kubectl', words, { env, limitMs: 60_000 }, input)
  const kubectl: KubectlStage['kubectl'] = async (words, input) => {
    const { code, stdout, stderr } = await ask(words, input)
    if (code !== 0) throw new Error(`kubectl ${words.join(' ')}: ${code}\n${stderr}${stdout}`)
    return stdout
  }
  const namespace = `kubectl-${randomBytes(4).toString('hex')}`
  if (shared !== undefined) await kubectl(['config', 'use-context', shared.context])
  const manifest = JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  // Not create: kubectl does that in protobuf, which the embedded server does not read.
  await kubectl(['apply', '-f', '-'], manifest)
  await kubectl(['config', 'set-context', '--current', `--namespace=${namespace}`])
  return {
    namespace,
    kubeconfigPath,
    ask,
    kubectl,
    shell: (script, limitMs) => run('bash', ['-c', script], { env, limitMs }),
    until,
    async close() {
      await ask(['delete', 'namespace', namespace, '--wait=false'])
      await closeCluster?.()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + PATIENCE_MS
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`waited ${PATIENCE_MS} ms in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

async function embedded(kubeconfigPath: string): Promise<() => Promise<void>> {
  const cluster = createEmbeddedCluster({ clock: systemClock, random: Math.random, podStartMs: 50 })
  installDefinitions(cluster, [...crds(), ...(await istioDefinitions())])
  const served = await serveCluster(cluster)
  await writeFile(kubeconfigPath, kubeconfig(served.url))
  return async () => {
    await served.close()
    cluster.stop()
  }
}

/** The published ones where they are at hand: the playground's have no Gateway. */
async function istioDefinitions(): Promise<readonly KubeObject[]> {
  const path = sharedData('crds', 'istio', 'crds.yaml')
  if (path === undefined) return meshDefinitions()
  return manifestsInText(await readFile(path, 'utf8'), path).manifests.map(({ object }) => object)
}

interface RunOptions {
  readonly env: NodeJS.ProcessEnv
  readonly limitMs: number
}

/** Its children end with it: they are a process group of their own. */
function run(program: string, words: readonly string[], options: RunOptions, input?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...words], { env: options.env, detached: true })
    const said = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text))
    const limit = setTimeout(() => {
      said.stderr += `ended after ${options.limitMs} ms\n`
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    }, options.limitMs)
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(limit)
      resolve({ code: code ?? -1, ...said })
    })
    child.stdin.on('error', () => undefined)
    child.stdin.end(input ?? '')
  })
}
