/** Why a query has no answer, in Prometheus' own classes: `bad_data` is HTTP 400, `execution` is 422. */
export class PromqlError extends Error {
  override readonly name = 'PromqlError'
  readonly errorType: 'bad_data' | 'execution'

  constructor(errorType: 'bad_data' | 'execution', message: string) {
    super(message)
    this.errorType = errorType
  }
}

/** A query that the grammar or the types refuse; `offset` is where, and the message begins with `line:column`. */
export function parseError(query: string, offset: number, message: string): PromqlError {
  const before = query.slice(0, offset).split('\n')
  const place = `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`
  return new PromqlError('bad_data', `invalid parameter "query": ${place}: parse error: ${message}`)
}
