import { canaryServices } from '../../cluster/workloads/services.ts'
import { defaultSelectorLabels } from '../../cluster/workloads/selector.ts'
import type { KubeObject } from '../../lib/kube-object.ts'
import { Problem } from '../../lib/problem.ts'
import { primaryObjects } from '../../reconciler/primary-objects.ts'
import { canariesIn, type CanarySource } from '../../source/canaries.ts'
import { readManifestTexts } from '../../source/manifests.ts'
import { trafficProvider } from '../../traffic/registry.ts'
import { splitAt } from '../../traffic/split.ts'
import { writeYaml } from '../../yaml/write.ts'
import { exitCodes } from '../exit-codes.ts'
import { readFiles } from '../read-files.ts'

/** `serin render`: everything that would be written to the cluster with the canary at a weight. Needs no cluster. */
export async function render(
  paths: readonly string[],
  options: { readonly weight: string; readonly provider: string; readonly output: string },
): Promise<number> {
  const weight = Number(options.weight)
  if (!Number.isInteger(weight) || weight < 0 || weight > 100) {
    process.stderr.write(`serin: --weight ${options.weight} is no percentage from 0 to 100\n`)
    return exitCodes.usage
  }
  const { files, problems: unreadable } = await readFiles(paths)
  const read = readManifestTexts(files)
  const found = canariesIn(read.manifests)
  const problems = [...unreadable, ...read.problems, ...found.problems]
  for (const problem of problems) process.stderr.write(`${problem.toString()}\n`)
  const objects = found.canaries.flatMap((source) => objectsOf(source, weight, options.provider))
  if (objects.length === 0) {
    process.stderr.write('serin: there is no canary to render\n')
    return exitCodes.no
  }
  const text =
    options.output === 'json'
      ? JSON.stringify(objects, null, 2)
      : objects.map((object) => writeYaml(object)).join('---\n')
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
  return problems.length === 0 ? exitCodes.done : exitCodes.no
}

function objectsOf(source: CanarySource, weight: number, defaultProvider: string): readonly KubeObject[] {
  const { canary, target, autoscaler, place } = source
  const stalled = source.problems.find((problem) => problem.kind === 'stalled')
  if (stalled !== undefined) throw stalled
  if (target === undefined) {
    const { kind, name } = canary.spec.targetRef
    throw new Problem({
      kind: 'stalled',
      code: 'TARGET_MISSING',
      place,
      message: `the target ${kind}/${name} is not among these files`,
      hint: 'name its file too',
    })
  }
  const provider = trafficProvider(canary.spec.provider ?? defaultProvider, place)
  const services = canaryServices(canary, target.object, { selectorLabels: defaultSelectorLabels })
  return [
    ...primaryObjects(canary, target.object, undefined, {
      object: autoscaler?.object,
      apiVersion: autoscaler?.object.apiVersion ?? 'autoscaling/v2',
    }),
    services.apex,
    services.primary,
    services.canary,
    ...provider.objects(canary, splitAt(weight)),
  ]
}
