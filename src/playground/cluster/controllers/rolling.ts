import { at, numberAt } from '../../../lib/json.ts'
import type { Json } from '../../../lib/json.ts'
import type { StoredObject } from '../store.ts'

/** How many pods a rolling update may have too many and too few. */
export interface RollingLimits {
  readonly maxSurge: number
  readonly maxUnavailable: number
}

/** The limits of a Deployment's strategy for its number of replicas; never both zero, as then nothing could move. */
export function rollingLimits(deployment: StoredObject): RollingLimits {
  const replicas = numberAt(deployment, 'spec', 'replicas') ?? 0
  if (at(deployment, 'spec', 'strategy', 'type') === 'Recreate') return { maxSurge: 0, maxUnavailable: 0 }
  const rolling = at(deployment, 'spec', 'strategy', 'rollingUpdate')
  const maxSurge = Math.ceil(resolve(at(rolling, 'maxSurge'), replicas))
  const maxUnavailable = Math.floor(resolve(at(rolling, 'maxUnavailable'), replicas))
  if (maxSurge === 0 && maxUnavailable === 0) return { maxSurge, maxUnavailable: 1 }
  return { maxSurge, maxUnavailable: Math.min(maxUnavailable, replicas) }
}

function resolve(value: Json | undefined, replicas: number): number {
  if (typeof value === 'number') return value
  const percent = typeof value === 'string' ? Number(value.replace('%', '')) : 0
  return Number.isFinite(percent) ? (percent * replicas) / 100 : 0
}

/** The wanted replicas of one ReplicaSet. */
export function wantedOf(set: StoredObject): number {
  return numberAt(set, 'spec', 'replicas') ?? 0
}

/** The available replicas of one ReplicaSet. */
export function availableOf(set: StoredObject): number {
  return numberAt(set, 'status', 'availableReplicas') ?? 0
}

/** How many replicas the new ReplicaSet should have next, so that all together stay within the surge. */
export function nextNewReplicas(
  deployment: StoredObject,
  fresh: StoredObject | undefined,
  old: readonly StoredObject[],
): number {
  const replicas = numberAt(deployment, 'spec', 'replicas') ?? 0
  const current = fresh === undefined ? 0 : wantedOf(fresh)
  if (current >= replicas) return replicas
  const others = old.reduce((sum, set) => sum + wantedOf(set), 0)
  if (at(deployment, 'spec', 'strategy', 'type') === 'Recreate') {
    const running = old.reduce((sum, set) => sum + (numberAt(set, 'status', 'replicas') ?? 0), 0)
    return others + running === 0 ? replicas : current
  }
  const room = replicas + rollingLimits(deployment).maxSurge - others - current
  return room <= 0 ? current : current + Math.min(room, replicas - current)
}

/** How many replicas each old ReplicaSet should have next, so that enough pods stay available; oldest first. */
export function nextOldReplicas(
  deployment: StoredObject,
  fresh: StoredObject,
  old: readonly StoredObject[],
): readonly (readonly [StoredObject, number])[] {
  if (at(deployment, 'spec', 'strategy', 'type') === 'Recreate') return old.map((set) => [set, 0] as const)
  const replicas = numberAt(deployment, 'spec', 'replicas') ?? 0
  const least = replicas - rollingLimits(deployment).maxUnavailable
  const all = [...old, fresh].reduce((sum, set) => sum + wantedOf(set), 0)
  let room = all - least - (wantedOf(fresh) - availableOf(fresh))
  if (room <= 0) return []
  const next = new Map(old.map((set) => [set, wantedOf(set)] as const))
  const lower = (set: StoredObject, most: number): void => {
    const cut = Math.max(0, Math.min(most, room, next.get(set) ?? 0))
    next.set(set, (next.get(set) ?? 0) - cut)
    room -= cut
  }
  for (const set of old) lower(set, wantedOf(set) - availableOf(set))
  const available = [...old, fresh].reduce((sum, set) => sum + availableOf(set), 0)
  room = Math.min(room, available - least)
  for (const set of old) lower(set, room)
  return [...next].filter(([set, count]) => count !== wantedOf(set))
}
