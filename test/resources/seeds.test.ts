import { describe, expect, it } from 'vitest'
import { readDocuments } from '../../src/yaml/read.ts'
import { stringAt } from '../../src/lib/json.ts'
import { validateFiles } from '../../src/source/validate.ts'
import { seedExamples, seedSnippets } from '../real/kubectl/seed-examples.ts'
import { sharedData } from '../support/shared-data.ts'

const folder = sharedData('seeds')
if (folder === undefined) console.log('left out: the examples of the seeds, which are not beside the checkout')
const examples = folder === undefined ? [] : seedExamples(seedSnippets(folder))

/** What the examples name and do not show. */
const application = (namespace: string): string => `apiVersion: apps/v1
kind: Deployment
metadata: { name: podinfo, namespace: ${namespace} }
spec:
  selector: { matchLabels: { app: podinfo } }
  template:
    metadata: { labels: { app: podinfo } }
    spec: { containers: [{ name: podinfod, image: 'podinfo:1' }] }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: podinfo, namespace: ${namespace} }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: podinfo }
  maxReplicas: 4
`

describe.runIf(examples.length > 0)('serin validate and the examples of the seeds', () => {
  it.each(examples)('accepts $title (seed $place) with its target beside it', ({ text }) => {
    const value = readDocuments(text, '').documents[0]?.value
    const namespace = stringAt(value, 'metadata', 'namespace') ?? 'default'
    const isCanary = stringAt(value, 'kind') === 'Canary'
    const beside = isCanary ? [{ path: 'application.yaml', text: application(namespace) }] : []

    expect(validateFiles([{ path: 'example.yaml', text }, ...beside])).toEqual([])
  })

  it.each(examples.filter(({ title }) => title.startsWith('Canary')))(
    'says with file and line what $title (seed $place) lacks alone',
    ({ text }) => {
      const problems = validateFiles([{ path: 'example.yaml', text }])

      expect(problems.map(({ code }) => code)).toContain('SOURCE_TARGET_MISSING')
      for (const { code, place } of problems) {
        expect(code).toMatch(/^SOURCE_(TARGET|AUTOSCALER)_MISSING$/)
        expect(place).toMatch(/^example\.yaml:\d+:\d+$/)
      }
    },
  )
})
