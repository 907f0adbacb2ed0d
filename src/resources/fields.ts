import { z } from 'zod'
import { durationMs } from './duration.ts'

/** A whole percentage from 0 to 100. */
export const Percent = z.int().min(0).max(100)

/** Names to texts: labels, annotations, webhook metadata. */
export const StringMap = z.record(z.string(), z.string())

/** A duration in whole seconds or minutes as Flagger takes it: `30s`, `1m`. */
export const Duration = z
  .string()
  .regex(/^[0-9]+(m|s)/, { abort: true })
  .refine((text) => durationMs(text) !== undefined, { error: 'is no duration', abort: true })

/** A name, and a namespace where it is not the referring object's own. */
export const CrossNamespaceRef = z.strictObject({
  name: z.string().describe('Name of the object.'),
  namespace: z.string().optional().describe('Namespace of the object, when it is not the one of this resource.'),
})

/** A number of a Service or container port. */
export const Port = z.int().min(1).max(65535)

/** What `spec.provider` may name. */
export const PROVIDERS = [
  'apisix',
  'appmesh',
  'appmesh:v1beta2',
  'contour',
  'gatewayapi:v1',
  'gatewayapi:v1beta1',
  'gloo',
  'istio',
  'knative',
  'kubernetes',
  'kuma',
  'linkerd',
  'nginx',
  'osm',
  'skipper',
  'smi:v1alpha1',
  'smi:v1alpha2',
  'smi:v1alpha3',
  'traefik',
] as const
