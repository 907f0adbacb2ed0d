import type { Cluster } from '../cluster/cluster.ts'

/** A structured log: a constant message, with the data in fields. pino is one. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** The cluster in the few verbs that a rollout needs. Reads answer from a cache that watches keep fresh. */
export type ClusterPort = Pick<
  Cluster,
  | 'ensure'
  | 'get'
  | 'list'
  | 'onChange'
  | 'holds'
  | 'refresh'
  | 'apply'
  | 'scale'
  | 'writeStatus'
  | 'recordEvent'
  | 'client'
>

/** Where a decision towards safety waits until Git has it. Survives the process. */
export interface Spool {
  put(key: string, text: string): Promise<void>
  remove(key: string): Promise<void>
  all(): Promise<ReadonlyMap<string, string>>
}
