/**
 * Where a field of a document stands: a path of keys and indexes to `file:line:column`, or to another name of the
 * place when there is no file. `key` asks for the field's name, `value` (the default) for what it holds. A path that the
 * document does not have gives the nearest place above it.
 */
export type PlaceOf = (path: readonly (string | number)[], part?: 'key' | 'value') => string
