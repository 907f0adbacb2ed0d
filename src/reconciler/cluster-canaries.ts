import { keyOf, splitKey, type CanaryKey } from '../ledger/entry.ts'
import { canonicalJson } from '../lib/json.ts'
import { groupOf, type KubeObject, type ObjectRef } from '../lib/kube-object.ts'
import { Problem, toProblem } from '../lib/problem.ts'
import type { Canary } from '../resources/canary.ts'
import { parseCanary, placeInCluster } from '../resources/parse.ts'
import { withConsequence } from './last-good.ts'
import type { Namespaces } from './namespaces.ts'
import type { ClusterPort } from './ports.ts'

/** A Canary as the cluster has it: its newest version that can be read, and what is wrong with the present one. */
export interface LiveCanary {
  readonly object: KubeObject
  /** Undefined when no version of it could be read. */
  readonly canary: Canary | undefined
  readonly problem: Problem | undefined
  readonly place: string
}

interface Read extends LiveCanary {
  /** What of the object was read. */
  readonly content: string
}

const CANARY = { apiVersion: 'flagger.app/v1beta1', kind: 'Canary' }

/** The Canaries that are in the cluster, as its watch tells; each version of one is read once, when it is asked for. */
export class ClusterCanaries {
  private readonly cluster: ClusterPort
  private readonly namespaces: Namespaces
  private readonly isRecorded: (key: CanaryKey) => boolean
  private readonly objects = new Map<CanaryKey, KubeObject>()
  private readonly read = new Map<CanaryKey, Read>()

  constructor(cluster: ClusterPort, namespaces: Namespaces, isRecorded: (key: CanaryKey) => boolean) {
    this.isRecorded = isRecorded
    this.cluster = cluster
    this.namespaces = namespaces
  }

  /**
   * The namespaces of which it is known what Canaries they have; `isComplete`: all of them are. Where the cluster does not
   * know the kind there are none. Namespaces that can't be read are tried on.
   */
  async known(): Promise<{ readonly namespaces: Namespaces; readonly isComplete: boolean }> {
    const { list } = this.namespaces
    if (list === undefined) {
      const isKnown = await this.isKnown()
      return { namespaces: isKnown ? this.namespaces : { list, isOurs: () => false }, isComplete: isKnown }
    }
    const areKnown = await Promise.all(list.map((namespace) => this.isKnown(namespace)))
    const known = new Set(list.filter((_, nth) => areKnown[nth] === true))
    const isOurs = (namespace: string | undefined): boolean => namespace !== undefined && known.has(namespace)
    return { namespaces: { list, isOurs }, isComplete: known.size === list.length }
  }

  private async isKnown(namespace?: string): Promise<boolean> {
    try {
      await this.cluster.ensure(CANARY, namespace)
      return true
    } catch (error) {
      return toProblem(error).code === 'CLUSTER_KIND_MISSING'
    }
  }

  /** Takes in that an object came, changed or went. Answers with the canary that it is, if it is one. */
  changed({ apiVersion, kind, namespace, name }: ObjectRef): CanaryKey | undefined {
    if (kind !== CANARY.kind || groupOf(apiVersion) !== 'flagger.app') return undefined
    if (namespace === undefined || !this.namespaces.isOurs(namespace)) return undefined
    const key = keyOf(namespace, name)
    const object = this.cluster.get({ ...CANARY, namespace, name })
    if (object !== undefined && object.metadata.deletionTimestamp === undefined) {
      this.objects.set(key, object)
    } else {
      this.objects.delete(key)
      this.read.delete(key)
    }
    return key
  }

  /** Undefined for one that is not in the cluster, or on its way out. */
  find(key: CanaryKey): LiveCanary | undefined {
    const object = this.objects.get(key)
    if (object === undefined) return undefined
    const before = this.read.get(key)
    if (before?.object === object) return before
    const read = readLive(object, before, this.isRecorded(key))
    this.read.set(key, read)
    return read
  }

  /** Whether `find` would find it. */
  has(key: CanaryKey): boolean {
    return this.objects.has(key)
  }

  keys(): Iterable<CanaryKey> {
    return this.objects.keys()
  }
}

function readLive(object: KubeObject, before: Read | undefined, isRecorded: boolean): Read {
  const { uid, labels, annotations } = object.metadata
  const content = canonicalJson([uid, labels, annotations, object.spec])
  if (before?.content === content) return { ...before, object }
  const placeOf = placeInCluster(object)
  const place = placeOf([])
  const { canary, problems } = parseCanary(object, placeOf, 'pruning')
  const former = before?.object.metadata.uid === uid ? before?.canary : undefined
  const moved = isRecorded && canary && former ? otherTarget(canary, former, place) : undefined
  if (canary !== undefined && moved === undefined) return { object, canary, problem: problems[0], place, content }
  const problem = moved ?? problems[0]
  return { object, canary: former, problem: former && problem ? withConsequence(problem) : problem, place, content }
}

/** Another target under the same name: the routes of the former one would stay as they are, unwatched. */
function otherTarget({ spec: { targetRef } }: Canary, former: Canary, place: string): Problem | undefined {
  const { kind, name } = former.spec.targetRef
  return targetRef.kind === kind && targetRef.name === name ? undefined : targetChanged(`${kind}/${name}`, place)
}

/** A canary whose target is another one than the recorded. */
export function targetChanged(recorded: string, place: string): Problem {
  return new Problem({
    kind: 'stalled',
    code: 'CANARY_TARGET_CHANGED',
    message: `spec.targetRef was ${recorded} and can not change`,
    place,
    hint: 'change it back, and give another target a Canary of another name',
  })
}

/** The reference to the live object of a canary. */
export function canaryRef(key: CanaryKey): ObjectRef {
  return { ...CANARY, ...splitKey(key) }
}
