import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { at } from '../../../src/lib/json.ts'
import { readDocuments } from '../../../src/yaml/read.ts'
import { openStage, type KubectlStage } from './stage.ts'
import { hasKubectl, minorVersion } from './with-kubectl.ts'

const VERSIONS = ['v1alpha1', 'v1alpha2', 'v1alpha3', 'v1beta1'] as const
const OLDER = VERSIONS.slice(0, 3)
const MANIFESTS = resolve(import.meta.dirname, '../../../manifests')
const FIXTURES = resolve(import.meta.dirname, '../../fixtures/canaries')

/** Tests what kubectl says of the definitions and of Canaries in each version. */
export function describeVersions(): void {
  const isReal = inject('controlPlane') !== undefined

  describe.runIf(hasKubectl())('kubectl and the versions of Canary', () => {
    let stage: KubectlStage
    beforeAll(async () => {
      stage = await openStage()
      for (const version of VERSIONS) await stage.kubectl(['apply', '-f', '-'], fixture(version, stage.namespace))
    })
    afterAll(() => stage.close())
    const get = (version: string, ...more: readonly string[]): Promise<string> =>
      stage.kubectl(['get', `canaries.${version}.flagger.app`, ...more])

    it('takes the definitions as they are shipped', async () => {
      // The embedded server knows no roles, which the rest of an installation has; kubectl 1.20 reads no folders of folders.
      const folder = join(MANIFESTS, isReal && minorVersion() > 20 ? 'base' : 'crds')

      const answer = await stage.ask(['apply', '--dry-run=server', '-k', folder])

      expect(answer).toMatchObject({ code: 0 })
      expect(answer.stdout).toContain('customresourcedefinition.apiextensions.k8s.io/canaries.flagger.app')
    })

    it.each(OLDER)('warns of %s and loses nothing of it', async (version) => {
      const text = fixture(version, stage.namespace)

      const { stderr } = await stage.ask(['apply', '-f', '-'], text)
      const given = readDocuments(await stage.kubectl(['get', 'canary', version, '-o', 'yaml']), '').documents[0]?.value

      // The embedded server does not warn.
      if (isReal)
        expect(stderr).toContain(`Warning: flagger.app/${version} Canary is deprecated; use flagger.app/v1beta1`)
      expect(at(given, 'apiVersion')).toBe('flagger.app/v1beta1')
      expect(at(given, 'spec')).toEqual(at(readDocuments(text, '').documents[0]?.value, 'spec'))
    })

    it('edits a Canary of v1beta1 by way of v1alpha1 and loses nothing of it', async () => {
      await stage.kubectl(
        ['create', '-f', '-'],
        fixture('v1beta1', stage.namespace).replace('name: v1beta1', 'name: edited'),
      )
      const specOf = (): Promise<string> => stage.kubectl(['get', 'canary', 'edited', '-o', 'jsonpath={.spec}'])
      const before = await specOf()
      const old = await get('v1alpha1', 'edited', '-o', 'json')

      await stage.kubectl(['replace', '-f', '-'], old.replace('"stepWeight": 5', '"stepWeight": 6'))

      expect(old).toContain('"apiVersion": "flagger.app/v1alpha1"')
      expect(before).toContain('"stepWeight":5')
      expect(await specOf()).toBe(before.replace('"stepWeight":5', '"stepWeight":6'))
    })

    it('prints the same columns in every version, of whatever version the Canaries are', async () => {
      const plain = await Promise.all(VERSIONS.map((version) => get(version)))
      const wide = await Promise.all(VERSIONS.map((version) => get(version, '-o', 'wide')))

      expect(new Set(plain).size).toBe(1)
      expect(headOf(plain[0])).toEqual(['NAME', 'STATUS', 'WEIGHT', 'LASTTRANSITIONTIME'])
      expect(new Set(wide).size).toBe(1)
      expect(headOf(wide[0]).slice(3, 10)).toEqual([
        'SUSPENDED',
        'FAILEDCHECKS',
        'INTERVAL',
        'MIRROR',
        'STEPWEIGHT',
        'STEPWEIGHTS',
        'MAXWEIGHT',
      ])
      expect(wide[0]).toMatch(/^v1alpha3 +10s +10 +50 *$/m)
      expect(wide[0]).toMatch(/^v1beta1 +1m +5 +50 *$/m)
    })

    it.each(OLDER)('takes a status in v1beta1 of what was applied as %s', async (version) => {
      // Not with patch --subresource, which kubectl has since 1.24 only.
      const path = `/apis/flagger.app/v1beta1/namespaces/${stage.namespace}/canaries/${version}`
      const object = JSON.parse(await stage.kubectl(['get', '--raw', path])) as object
      const status = { phase: 'Progressing', canaryWeight: 20, failedChecks: 1 }

      await stage.kubectl(['replace', '--raw', `${path}/status`, '-f', '-'], JSON.stringify({ ...object, status }))

      expect(await get(version, version)).toMatch(new RegExp(`^${version} +Progressing +20 *$`, 'm'))
    })

    it.each(['v1alpha1', 'v1alpha3'] as const)('refuses what is wrong in %s and names the field', async (version) => {
      const change = async (search: RegExp, replacement: string): Promise<string> => {
        const text = fixture(version, stage.namespace).replace(`name: ${version}`, 'name: wrong')
        const { code, stderr } = await stage.ask(['apply', '-f', '-'], text.replace(search, replacement))
        expect(code).toBe(1)
        return stderr
      }

      expect(await change(/stepWeight: 10/, 'stepWeight: 101')).toContain('spec.canaryAnalysis.stepWeight')
      expect(await change(/stepWeight: 10/, 'stepWeigth: 10')).toContain('unknown field')
      expect(await change(/ +stepWeight: 10\n/, '')).toContain('spec.canaryAnalysis.stepWeight: Required value')
      expect(await change(/kind: Deployment/, 'kind: StatefulSet')).toContain('spec.targetRef.kind')
    })

    it('explains the fields of an analysis in every version', async () => {
      await stage.until('the schemas are published', async () => (await stage.ask(['explain', 'canary'])).code === 0)

      const newest = await stage.kubectl(['explain', 'canary.spec.analysis'])
      const oldest = ['explain', 'canary.spec.canaryAnalysis.metrics.threshold', '--api-version=flagger.app/v1alpha1']

      expect(newest).toContain('How a new revision is tried out before it is promoted.')
      expect(newest).toContain('Failed checks after which the revision is rolled back.')
      expect(newest).not.toContain('<empty>')
      for (const field of ANALYSIS_OF_SEEDS.split(' ')) expect(newest).toMatch(new RegExp(`^ +${field}\\s`, 'm'))
      expect(await stage.kubectl(oldest)).toContain('Least success rate, or highest')
    })
  })
}

/** The fields of an analysis that the seeds list without values. */
const ANALYSIS_OF_SEEDS =
  'interval threshold maxWeight stepWeight stepWeightPromotion iterations primaryReadyThreshold canaryReadyThreshold match metrics alerts webhooks'

/** A Canary in a version, named like it. */
function fixture(version: string, namespace: string): string {
  const file = version === 'v1alpha2' ? 'v1alpha3' : version
  return readFileSync(join(FIXTURES, `${file}.yaml`), 'utf8')
    .replace(`flagger.app/${file}`, `flagger.app/${version}`)
    .replace(/^ {2}name: podinfo$/m, `  name: ${version}`)
    .replace(/^ {2}namespace: test$/m, `  namespace: ${namespace}`)
}

function headOf(table: string | undefined): readonly string[] {
  return (table ?? '').split('\n')[0]?.split(/ +/) ?? []
}
