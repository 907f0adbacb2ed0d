import { stringify } from 'yaml'
import { kubectlTags } from './tags.ts'

/**
 * YAML text for plain data: block style, keys in the order given, no folded lines, the same bytes for the same data, and
 * quotes wherever kubectl or any YAML 1.1 reader would take the bare text for another type. Undefined members are left
 * out.
 */
export function writeYaml(value: unknown): string {
  return stringify(JSON.parse(JSON.stringify(value)), {
    schema: 'core',
    customTags: kubectlTags,
    compat: 'yaml-1.1',
    lineWidth: 0,
    aliasDuplicateObjects: false,
  })
}
