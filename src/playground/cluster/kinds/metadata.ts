import {
  anything,
  integer,
  keyed,
  list,
  optionalFlag,
  optionalInteger,
  part,
  record,
  text,
  textMap,
  time,
} from '../schema/schema.ts'
import type { Schema } from '../schema/schema.ts'

const ownerReference = record(
  {
    apiVersion: { type: 'string', blank: '' },
    kind: { type: 'string', blank: '' },
    name: { type: 'string', blank: '' },
    uid: { type: 'string', blank: '' },
    controller: optionalFlag,
    blockOwnerDeletion: optionalFlag,
  },
  { atomic: true },
)

const fields: Readonly<Record<string, Schema>> = {
  name: text,
  generateName: text,
  namespace: text,
  selfLink: text,
  uid: text,
  resourceVersion: text,
  generation: integer,
  creationTimestamp: time,
  deletionTimestamp: time,
  deletionGracePeriodSeconds: optionalInteger,
  labels: textMap,
  annotations: textMap,
  ownerReferences: keyed(['uid'], ownerReference),
  finalizers: list(text, { list: 'set', strategic: 'set' }),
  managedFields: list(anything),
}

/** ObjectMeta, as every kind has it. */
export const objectMeta: Schema = part(fields)

/** ObjectMeta of a custom resource: nothing is written that was not sent. */
export const customObjectMeta: Schema = record(fields)
