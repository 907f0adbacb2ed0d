import { unsupported, forbidden, required } from './causes.ts'
import type { Cause } from './failure.ts'
import { invalidOptions } from './failure.ts'
import type { ServerRequest } from './context.ts'

/** How a write is meant, from the query and the headers of its request. */
export interface WriteOptions {
  readonly manager: string
  readonly fieldValidation: 'Ignore' | 'Warn' | 'Strict'
  readonly dryRun: boolean
  readonly force: boolean
}

/** Reads and checks the options of a create, update or patch. */
export function writeOptions(
  request: ServerRequest,
  query: URLSearchParams,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
  isApply = false,
): WriteOptions {
  const causes: Cause[] = []
  const dryRun = query.getAll('dryRun').filter((value) => value !== '')
  if (dryRun.some((value) => value !== 'All')) causes.push(unsupported('dryRun', dryRun, ['All']))
  const validation = query.get('fieldValidation') ?? ''
  if (!['', 'Ignore', 'Warn', 'Strict'].includes(validation)) {
    causes.push(unsupported('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn']))
  }
  const manager = query.get('fieldManager') ?? ''
  if (isApply && manager === '') causes.push(required('fieldManager', 'is required for apply patch'))
  if (query.has('force') && kind === 'PatchOptions' && !isApply) {
    causes.push(forbidden('force', 'may not be specified for non-apply patch'))
  }
  if (causes.length > 0) throw invalidOptions(kind, causes)
  return {
    manager: manager === '' ? agentName(request.userAgent) : manager,
    fieldValidation: validation === 'Ignore' || validation === 'Strict' ? validation : 'Warn',
    dryRun: dryRun.length > 0,
    force: query.get('force') === 'true' || query.get('force') === '1',
  }
}

function agentName(agent: string | undefined): string {
  const name = agent?.split('/')[0]?.trim() ?? ''
  return name === '' ? 'unknown' : name
}
