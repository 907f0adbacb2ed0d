import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { at, stringAt } from '../../../src/lib/json.ts'
import { parseCanary, readCanary } from '../../../src/resources/parse.ts'
import type { Canary } from '../../../src/resources/canary.ts'
import { readDocuments } from '../../../src/yaml/read.ts'
import { sharedData } from '../../support/shared-data.ts'
import { LEFT_OUT, seedExamples, seedSnippets } from './seed-examples.ts'
import { openStage, type KubectlStage } from './stage.ts'
import { hasKubectl } from './with-kubectl.ts'

/** Tests that kubectl applies what the seeds show, to the cluster of this project of tests. */
export function describeSeeds(): void {
  const folder = sharedData('seeds')
  if (folder === undefined) console.log('left out: the examples of the seeds, which are not beside the checkout')
  const isPossible = folder !== undefined && hasKubectl()
  const snippets = folder === undefined ? [] : seedSnippets(folder)
  const examples = seedExamples(snippets)

  describe.runIf(isPossible)('kubectl and the examples of the seeds', () => {
    let stage: KubectlStage
    beforeAll(async () => {
      stage = await openStage()
    })
    afterAll(() => stage.close())

    it('every example is tried or left out for a reason', () => {
      const known = [...examples.map(({ place }) => place), ...Object.keys(LEFT_OUT)]

      expect(known.toSorted()).toEqual(snippets.map(({ place }) => place).toSorted())
    })

    it.each(examples.map((example, index) => ({ ...example, name: `example-${index}` })))(
      'applies $title (seed $place) and gets all of it back',
      async ({ text, name }) => {
        const own = text
          .replace(/^( {2}name: ).*$/m, `$1${name}`)
          .replace(/^( {2}namespace: ).*$/m, `$1${stage.namespace}`)
        const wanted = readDocuments(own, '').documents[0]?.value
        const kind = resourceOf(wanted)

        const applied = await stage.ask(['apply', '-f', '-'], own)
        const again = await stage.kubectl(['apply', '-f', '-'], own)
        const given = readDocuments(await stage.kubectl(['get', kind, name, '-o', 'yaml']), '').documents[0]?.value

        expect(applied).toMatchObject({ code: 0, stdout: expect.stringMatching(`/${name} created\n$`) as string })
        expect(again).toMatch(`/${name} unchanged\n`)
        expect(given).toMatchObject({ kind: at(wanted, 'kind'), spec: at(wanted, 'spec') })
        if (at(given, 'kind') === 'Canary') {
          const live = readCanary(given)
          expect(at(given, 'spec')).toEqual(at(wanted, 'spec'))
          expect(live.problems).toEqual([])
          const namespaced = own.replace(/^( {2}name: .*)$/m, `$1\n  namespace: ${stage.namespace}`)
          expect(live.canary?.spec).toEqual(parsed(own.includes('namespace:') ? own : namespaced)?.spec)
        }
      },
    )
  })
}

/** The Canary of a manifest, as Serin reads it from Git. */
function parsed(text: string): Canary | undefined {
  const document = readDocuments(text, '').documents[0]
  return document && parseCanary(document.value, document.placeOf, 'strict').canary
}

/** A kind as kubectl is asked for it where several groups have one of that name: `Gateway.v1alpha3.networking.istio.io`. */
function resourceOf(object: unknown): string {
  const apiVersion = stringAt(object, 'apiVersion') ?? ''
  return [stringAt(object, 'kind'), ...apiVersion.split('/').toReversed()].join('.')
}
