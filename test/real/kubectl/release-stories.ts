import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, inject, it } from 'vitest'
import { namespace } from '../../scenarios/namespace.ts'
import { createWorld } from '../../scenarios/process/world.ts'
import { sharedData } from '../../support/shared-data.ts'
import { openShell, type Shell } from './shell.ts'
import { namespaceManifest } from './stage.ts'
import { hasKubectl } from './with-kubectl.ts'

const LIMIT_MS = 180_000
const FIXTURES = resolve(import.meta.dirname, '../../fixtures/canaries')

/** Tells releases that are driven by kubectl alone, in the words of the seeds. */
export function describeReleases(): void {
  describe.runIf(hasKubectl())('releases by kubectl alone', () => {
    let place: Shell | undefined
    afterEach(async () => {
      await place?.close()
      place = undefined
    })

    it('initialises, promotes by the script for CI, and tells it all', { timeout: LIMIT_MS }, async () => {
      place = await openPlace()
      const { kubectl, bash } = place
      await kubectl(['apply', '-f', '-'], application())
      await kubectl(['apply', '-f', '-'], canary())

      await kubectl(['wait', 'canary/podinfo', '--for=condition=promoted', '--timeout=100s'])

      expect(await kubectl(['get', 'canary/podinfo'])).toMatch(/^podinfo +Initialized +0 +20/m)
      expect(await generated(kubectl)).toEqual([
        'deployment.apps/podinfo-primary',
        'horizontalpodautoscaler.autoscaling/podinfo-primary',
        'service/podinfo',
        'service/podinfo-canary',
        'service/podinfo-primary',
        'virtualservice.networking.istio.io/podinfo',
      ])

      const script = await bash(`${WATCHING}\n${scriptForCi()}`, 120_000)

      expect(script).toMatchObject({ code: 0 })
      const lines = script.stdout.trim().split('\n')
      expect(lines[0]).toBe('deployment.apps/podinfo image updated')
      expect(lines.at(1)).toMatch(/^podinfo +Progressing +\d+ +20/)
      expect(lines.at(-2)).toBe('canary.flagger.app/podinfo condition met')
      expect(lines.at(-1)).toMatch(/^podinfo +Succeeded +0 +20/)
      expect(await kubectl(['get', 'deployment/podinfo-primary', '-o', 'wide'])).toContain('stefanprodan/podinfo:3.0.1')
      const { stdout: watched } = await bash('cat ~/watched', 10_000)
      const weights = [...watched.matchAll(/^podinfo +Progressing +(\d+) +20/gm)].map(([, weight]) => Number(weight))
      expect(watched).toMatch(/^NAME +STATUS +WEIGHT +LASTTRANSITIONTIME\npodinfo +Initialized +0 +20/)
      expect(weights).toContain(10)
      expect(weights).toEqual(weights.toSorted((a, b) => a - b))
      const everywhere = await kubectl(['get', 'canaries', '--all-namespaces'])
      expect(everywhere.split('\n')[0]).toMatch(/^NAMESPACE +NAME +STATUS +WEIGHT +LASTTRANSITIONTIME$/)
      expect(everywhere).toMatch(new RegExp(`^${namespace} +podinfo +Succeeded +0 +20\\S+Z$`, 'm'))
      const status = await bash("kubectl get canary/podinfo -oyaml | awk '/status/,0'", 30_000)
      expect(status.stdout).toMatch(/^ {2}canaryWeight: 0$/m)
      expect(status.stdout).toMatch(/^ {4}message: Canary analysis completed successfully, promotion finished.$/m)
      expect(status.stdout).toMatch(/^ {4}reason: Succeeded\n {4}status: "True"\n {4}type: Promoted$/m)

      await place.until('the events are written', async () => (await told(kubectl)).includes(sentences().at(-1) ?? ''))

      const description = await kubectl(['describe', 'canary/podinfo'])
      expect(description).toMatch(/^ +Canary Weight: +0$/m)
      expect(description).toMatch(/^ +Failed Checks: +0$/m)
      expect(description).toMatch(/^ +Phase: +Succeeded$/m)
      expect(await told(kubectl)).toEqual(expect.arrayContaining([...sentences()]))
    })

    it(
      'rolls a bad version back, says why, and leaves nothing behind when the Canary goes',
      { timeout: LIMIT_MS },
      async () => {
        place = await openPlace()
        const { kubectl } = place
        const at = `podinfo.${namespace}`
        await kubectl(['apply', '-f', '-'], application())
        await kubectl(['apply', '-f', '-'], canary())
        await kubectl(['wait', 'canary/podinfo', '--for=condition=promoted', '--timeout=100s'])

        await kubectl(['patch', 'deployment/podinfo', '-p', BAD])
        await kubectl(['wait', 'canary/podinfo', '--for=condition=promoted=false', '--timeout=100s'])

        expect(await kubectl(['get', 'canary/podinfo'])).toMatch(/^podinfo +Failed +0 +20/m)
        expect(await kubectl(['get', 'deployment/podinfo-primary', '-o', 'wide'])).toContain(
          'stefanprodan/podinfo:3.0.0',
        )
        const end = `Canary failed! Scaling down ${at}`
        await place.until('the events are written', async () => (await told(kubectl)).includes(end))
        const events = await told(kubectl)
        expect(events).toContain(`Rolling back ${at} failed checks threshold reached 3`)
        expect(events.some((text) => /Halt podinfo\.\S+ advancement success rate \d+\.\d\d% < 99%$/.test(text))).toBe(
          true,
        )
        expect(await kubectl(['describe', 'canary/podinfo'])).toMatch(/^ +Phase: +Failed$/m)

        await kubectl(['delete', 'canary/podinfo'])
        await place.until('the generated objects are gone', async () => (await generated(kubectl)).length === 0)

        expect(await kubectl(['get', 'deployments,horizontalpodautoscalers', '-o', 'name'])).toBe(
          'deployment.apps/podinfo\nhorizontalpodautoscaler.autoscaling/podinfo\n',
        )
      },
    )

    it('releases by Canaries of older versions as they were meant', { timeout: LIMIT_MS }, async () => {
      place = await openPlace()
      const { kubectl } = place
      const names = ['podinfo', 'frontend']
      for (const name of names) await kubectl(['apply', '-f', '-'], application(name))
      await kubectl(['apply', '-f', '-'], older('v1alpha1', 'podinfo'))
      const quick = older('v1alpha3', 'frontend')
        .replaceAll(/interval: \d+[ms]/g, 'interval: 1s')
        .replace(/ {4}webhooks:\n[^]*$/, '')
      await kubectl(['apply', '-f', '-'], quick)
      for (const name of names) await kubectl(['wait', `canary/${name}`, '--for=condition=promoted', '--timeout=100s'])

      for (const name of names) await kubectl(['set', 'image', `deployment/${name}`, 'podinfod=podinfo:2'])
      await place.until('podinfo gets traffic', async () =>
        /^podinfo +Progressing +10 /m.test(await kubectl(['get', 'canary/podinfo'])),
      )
      await place.until('frontend is released', async () =>
        /^frontend +Succeeded +0 /m.test(await kubectl(['get', 'canary/frontend'])),
      )

      expect(await kubectl(['get', 'virtualservice/podinfo', '-o', 'jsonpath={.spec.gateways[*]}'])).toContain(
        'public-gateway.istio-system.svc.cluster.local',
      )
      expect(await kubectl(['get', 'deployment/frontend-primary', '-o', 'wide'])).toContain('podinfo:2')
      // An interval of a minute is implied: the next step is not due.
      expect(await kubectl(['get', 'canary/podinfo'])).toMatch(/^podinfo +Progressing +10 /m)
    })
  })
}

const BAD = JSON.stringify({
  spec: {
    template: {
      metadata: { annotations: { 'playground.serin.dev/error-rate': '0.5' } },
      spec: { containers: [{ name: 'podinfod', image: 'stefanprodan/podinfo:3.0.2' }] },
    },
  },
})

/** What the seeds show of a successful rollout, in its order. */
function sentences(): readonly string[] {
  const at = `podinfo.${namespace}`
  return [
    `New revision detected! Scaling up ${at}`,
    ...[10, 20, 30, 40, 50].map((weight) => `Advance ${at} canary weight ${weight}`),
    `Copying ${at} template spec to podinfo-primary.${namespace}`,
    'Routing all traffic to primary',
    `Promotion completed! Scaling down ${at}`,
  ]
}

/** The sentences below `Events:` of kubectl describe. */
async function told(kubectl: Shell['kubectl']): Promise<readonly string[]> {
  const [, events = ''] = (await kubectl(['describe', 'canary/podinfo'])).split('\nEvents:')
  return events.split('\n').map((line) => line.replace(/^ +\S+ +\S+ +(?:\S+ \(x\d+ over \S+\)|\S+) +\S+ +/, ''))
}

/** The lines that the seeds give for a pipeline; their own where the seeds are not at hand. */
function scriptForCi(): string {
  const folder = sharedData('seeds')
  if (folder === undefined) return SCRIPT
  const text = readFileSync(join(folder, '001_b95a48f5d34d66d1.txt'), 'utf8')
  const script = /CI example:\n\n```bash\n([^`]*)```/.exec(text)?.[1]
  if (script === undefined) throw new Error('the seed has no script for CI any more')
  return script
}

/** What a second window shows meanwhile; and a script that sleeps for 5 s at a time need not do it here. */
const WATCHING = `kubectl get canaries --watch > ~/watched &
trap "kill $!" EXIT
sleep() { command sleep 0.2; }`

const SCRIPT = `kubectl set image deployment/podinfo podinfod=stefanprodan/podinfo:3.0.1
ok=false
until \${ok}; do
    kubectl get canary/podinfo | grep 'Progressing' && ok=true || ok=false
    sleep 5
done
kubectl wait canary/podinfo --for=condition=promoted --timeout=5m
kubectl get canary/podinfo | grep Succeeded
`

/** What Serin makes for podinfo, as kubectl names it. */
async function generated(kubectl: Shell['kubectl']): Promise<readonly string[]> {
  const kinds = 'deployments,horizontalpodautoscalers,services,virtualservices.networking.istio.io'
  const names = await kubectl(['get', kinds, '-o', 'name'])
  const applied = ['deployment.apps/podinfo', 'horizontalpodautoscaler.autoscaling/podinfo']
  return names
    .split('\n')
    .filter((name) => name !== '' && !applied.includes(name))
    .toSorted()
}

/** A Serin whose source branch knows nothing, a cluster, and a person's shell. */
async function openPlace(): Promise<Shell> {
  const world = await createWorld({ files: () => ({ 'apps/README.md': 'Nothing here: kubectl brings it.\n' }) })
  try {
    const shared = inject('controlPlane')
    const kubeconfigPath = shared?.kubeconfigPath ?? world.kubeconfigPath
    const shell = await openShell({ kubeconfigPath, context: shared?.context, namespace })
    await shell.kubectl(['apply', '-f', '-'], namespaceManifest(namespace))
    await world.start()
    return {
      ...shell,
      async close() {
        await world.close()
        await shell.close()
      },
    }
  } catch (error) {
    await world.close()
    throw error
  }
}

/** A Canary in an older version, as it was written then. */
function older(version: string, name: string): string {
  const text = readFileSync(join(FIXTURES, `${version}.yaml`), 'utf8')
  return text.replaceAll('name: podinfo', `name: ${name}`).replace('namespace: test', `namespace: ${namespace}`)
}

const application = (name = 'podinfo'): string => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata:
      labels: { app: ${name} }
    spec:
      containers:
        - name: podinfod
          image: stefanprodan/podinfo:3.0.0
          ports: [{ containerPort: 9898 }]
---
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata:
  name: ${name}
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: ${name} }
  minReplicas: 1
  maxReplicas: 4
  targetCPUUtilizationPercentage: 99
`

const canary = (): string => `apiVersion: flagger.app/v1beta1
kind: Canary
metadata:
  name: podinfo
spec:
  provider: istio
  targetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: podinfo
  autoscalerRef:
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    name: podinfo
  service:
    port: 9898
    hosts: [app.example.com]
  analysis:
    interval: 1s
    threshold: 3
    maxWeight: 50
    stepWeight: 10
    metrics:
      - name: request-success-rate
        thresholdRange: { min: 99 }
        interval: 1s
      - name: request-duration
        thresholdRange: { max: 500 }
        interval: 1s
`
