import * as recent from '@kubernetes/client-node'
import { isObject, type Json } from '../../../src/lib/json.ts'
import type { KubeObject } from '../../../src/lib/kube-object.ts'

/** Which class describes a kind. */
const MODELS: Readonly<Record<string, string>> = {
  'apps/v1 Deployment': 'V1Deployment',
  'autoscaling/v2 HorizontalPodAutoscaler': 'V2HorizontalPodAutoscaler',
  'v1 Service': 'V1Service',
  'v1 ConfigMap': 'V1ConfigMap',
  'v1 Secret': 'V1Secret',
  'v1 Event': 'CoreV1Event',
  'networking.k8s.io/v1 Ingress': 'V1Ingress',
}

interface Attribute {
  readonly baseName: string
  readonly type: string
}

/** Whether `unknownToRecent` has a description of this kind. */
export function isBuiltIn({ apiVersion, kind }: KubeObject): boolean {
  return `${apiVersion} ${kind}` in MODELS
}

/** Fields of an object that the newest API that the client library describes does not know, by their paths. */
export function unknownToRecent(object: KubeObject): readonly string[] {
  const model = MODELS[`${object.apiVersion} ${object.kind}`]
  return model === undefined
    ? [`no model of ${object.apiVersion} ${object.kind}`]
    : unknownIn(model, object as Json, object.kind)
}

function unknownIn(type: string, value: Json | undefined, path: string): readonly string[] {
  const inner = /^Array<(.+)>$/.exec(type)?.[1] ?? /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1]
  if (inner !== undefined) {
    const members = Array.isArray(value) ? [...value.entries()] : Object.entries(isObject(value) ? value : {})
    return members.flatMap(([key, member]) => unknownIn(inner, member as Json, `${path}.${key}`))
  }
  const attributes = attributesOf(type)
  if (attributes === undefined || !isObject(value)) return []
  return Object.entries(value).flatMap(([key, member]) => {
    const known = attributes.find(({ baseName }) => baseName === key)
    return known === undefined ? [`${path}.${key}`] : unknownIn(known.type, member, `${path}.${key}`)
  })
}

function attributesOf(type: string): readonly Attribute[] | undefined {
  const model: unknown = Object.entries(recent).find(([name]) => name === type)?.[1]
  if (typeof model !== 'function' || !('getAttributeTypeMap' in model)) return undefined
  const { getAttributeTypeMap } = model
  return typeof getAttributeTypeMap === 'function'
    ? (getAttributeTypeMap.call(model) as readonly Attribute[])
    : undefined
}
