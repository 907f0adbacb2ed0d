import { format } from 'prettier'
import { crds } from '../../src/resources/crds.ts'
import { writeYaml } from '../../src/yaml/write.ts'
import { configurationReference } from './configuration.ts'
import { metricsReference } from './metrics.ts'
import { resourcesReference } from './resources.ts'

/** Every generated file: its path in the repository and its text. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  for (const crd of crds()) {
    const plural = crd.metadata.name.split('.')[0] ?? ''
    files.set(`manifests/crds/${plural}.yaml`, `# Generated from src/resources by npm run generate.\n${writeYaml(crd)}`)
  }
  const pages = {
    configuration: configurationReference(),
    metrics: metricsReference(),
    resources: resourcesReference(),
  }
  for (const [name, text] of Object.entries(pages)) {
    files.set(`docs/${name}.md`, await format(text, { parser: 'markdown', printWidth: 120 }))
  }
  return files
}
