import { readFile, writeFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'
import { kubeconfigText } from '../../cluster/control-plane/kubeconfig.ts'
import { needs } from '../../support/needs.ts'
import { namespace } from '../../scenarios/namespace.ts'
import { createWorld, type World } from '../../scenarios/process/world.ts'
import { startApiRecorder, type ApiRecorder } from './api-recorder.ts'
import { metricTemplate, variedFleet } from './fleet.ts'
import { openAccount, type Account, type Rule } from './roles.ts'

/** Whether the world of these tests can be made on this machine. */
export const canRun = needs('prometheus') !== undefined

/** A world whose Serin has an account and a Role of its own in its namespace, and what it asks of the API server. */
export interface Stage {
  readonly namespace: string
  readonly world: World
  readonly account: Account
  readonly recorder: ApiRecorder
  close(): Promise<void>
}

const Kubeconfig = z.object({ clusters: z.array(z.object({ cluster: z.object({ server: z.string() }) })) })

/** Sets everything up in a fresh namespace. Serin is not started. */
export async function openStage(rules: readonly Rule[]): Promise<Stage> {
  const world = await createWorld({ files: variedFleet })
  const closing: (() => Promise<void>)[] = [() => world.close()]
  const close = async (): Promise<void> => {
    for (const one of closing.splice(0).toReversed()) await one()
  }
  try {
    await world.commit(
      'apps/secretive/template.yaml',
      metricTemplate('secretive', world.config.metricsServer),
      'Template',
    )
    const account = await openAccount(namespace, rules)
    closing.push(() => account.close())
    const { clusters } = Kubeconfig.parse(parse(await readFile(world.kubeconfigPath, 'utf8')))
    const recorder = await startApiRecorder(clusters[0]?.cluster.server ?? '')
    closing.push(() => recorder.close())
    const access = { name: 'serin', url: recorder.url, token: account.token }
    await writeFile(world.kubeconfigPath, kubeconfigText(access), { mode: 0o600 })
    // Serin ends before what it talks to.
    closing.push(() => world.stop())
    return { namespace, world, account, recorder, close }
  } catch (error) {
    await close()
    throw error
  }
}
