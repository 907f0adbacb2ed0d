import { Problem } from '../lib/problem.ts'

/** The folders whose files a tool renders into manifests. */
export interface Rendered {
  /** True for the paths in such a folder. */
  readonly covers: (path: string) => boolean
  /** One for each folder, until it can be rendered. */
  readonly problems: readonly Problem[]
}

const MARKERS: Readonly<Record<string, string>> = {
  'kustomization.yaml': 'Kustomize',
  'kustomization.yml': 'Kustomize',
  Kustomization: 'Kustomize',
  'Chart.yaml': 'Helm',
}

/** Finds Kustomize folders and Helm charts among some paths; one inside another counts as part of it. */
export function renderedFolders(paths: readonly string[]): Rendered {
  const folders = new Map<string, Problem>()
  const markers = paths.filter((path) => Object.hasOwn(MARKERS, nameOf(path)))
  for (const path of markers.toSorted((a, b) => a.length - nameOf(a).length - (b.length - nameOf(b).length))) {
    const folder = path.slice(0, path.length - nameOf(path).length)
    if (!isInside(path, folders, folder)) folders.set(folder, notSupported(path, MARKERS[nameOf(path)] ?? ''))
  }
  return { covers: (path) => isInside(path, folders), problems: [...folders.values()] }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function isInside(path: string, folders: ReadonlyMap<string, Problem>, itself?: string): boolean {
  if (folders.size === 0) return false
  if (itself !== undefined && folders.has(itself)) return true
  for (let end = path.lastIndexOf('/'); end >= 0; end = path.lastIndexOf('/', end - 1)) {
    if (folders.has(path.slice(0, end + 1))) return true
    if (end === 0) break
  }
  return folders.has('')
}

function notSupported(path: string, tool: string): Problem {
  return new Problem({
    kind: 'stalled',
    code: 'SOURCE_NOT_SUPPORTED',
    message: `${tool} is not supported yet: the files of this folder are not read`,
    place: path,
    hint: 'set repository.paths to folders of plain manifests',
  })
}
