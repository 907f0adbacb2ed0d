import type { Json, JsonObject } from '../../../lib/json.ts'

/** One field that is wrong, as `details.causes` lists it. */
export interface Cause {
  readonly reason: string
  readonly message: string
  readonly field: string
}

/** What a Status says the trouble is with: the name, the group, and the kind or its plural. */
export interface Subject {
  readonly name?: string
  readonly group?: string
  readonly kind: string
}

/** A refusal on its way out of the server: an HTTP status and the Status object that goes with it. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure'
  readonly status: number
  readonly body: Json

  constructor(status: number, body: Json) {
    super(typeof body === 'string' ? body.trim() : String(status))
    this.status = status
    this.body = body
  }
}

function failure(code: number, message: string, reason: string | undefined, details?: JsonObject): ApiFailure {
  return new ApiFailure(code, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === undefined ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  })
}

function described(subject: Subject): JsonObject {
  return {
    ...(subject.name === undefined || subject.name === '' ? {} : { name: subject.name }),
    ...(subject.group === undefined || subject.group === '' ? {} : { group: subject.group }),
    ...(subject.kind === '' ? {} : { kind: subject.kind }),
  }
}

function qualified(subject: Subject): string {
  return subject.group === undefined || subject.group === '' ? subject.kind : `${subject.kind}.${subject.group}`
}

/** 404: no such object. */
export function notFound(subject: Subject): ApiFailure {
  return failure(404, `${qualified(subject)} "${subject.name ?? ''}" not found`, 'NotFound', described(subject))
}

/** 404: no such resource in a group that exists. */
export function unknownResource(): ApiFailure {
  return failure(404, 'the server could not find the requested resource', 'NotFound', {})
}

/** 404 in plain text: no such group or path. */
export function unknownPath(): ApiFailure {
  return new ApiFailure(404, '404 page not found\n')
}

/** 405: the method does not fit the path. */
export function wrongMethod(): ApiFailure {
  return failure(405, 'the server does not allow this method on the requested resource', 'MethodNotAllowed', {})
}

/** 405: what only a pod that runs could do. */
export function pretended(what: string): ApiFailure {
  const message = `pods of the embedded cluster are only pretended: nothing runs in them that ${what} could reach`
  return failure(405, message, 'MethodNotAllowed', {})
}

/** 400: the request can't be read. */
export function badRequest(message: string): ApiFailure {
  return failure(400, message, 'BadRequest')
}

/** 403: not now, because of the state of the namespace. */
export function terminating(subject: Subject, namespace: string): ApiFailure {
  return failure(
    403,
    `${qualified(subject)} "${subject.name ?? ''}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
    'Forbidden',
    {
      ...described(subject),
      causes: [
        {
          reason: 'NamespaceTerminating',
          message: `namespace ${namespace} is being terminated`,
          field: 'metadata.namespace',
        },
      ],
    },
  )
}

/** 406: none of the wanted media types can be written. */
export function notAcceptable(): ApiFailure {
  const forms = [
    'application/json',
    'application/yaml',
    'application/vnd.kubernetes.protobuf',
    'application/json;stream=watch',
    'application/vnd.kubernetes.protobuf;stream=watch',
  ]
  const message = `406: Not Acceptable\n\nAvailable representations: ${forms.join(', ')}`
  return failure(406, message, 'NotAcceptable', {})
}

/** 409: the object is there already. */
export function alreadyExists(subject: Subject, prefix = ''): ApiFailure {
  return failure(
    409,
    `${prefix}${qualified(subject)} "${subject.name ?? ''}" already exists`,
    'AlreadyExists',
    described(subject),
  )
}

/** 409: somebody else was faster, or a precondition does not hold. */
export function conflict(subject: Subject, message: string): ApiFailure {
  return failure(
    409,
    `Operation cannot be fulfilled on ${qualified(subject)} "${subject.name ?? ''}": ${message}`,
    'Conflict',
    described(subject),
  )
}

/** 409 of optimistic concurrency. */
export function staleWrite(subject: Subject): ApiFailure {
  return conflict(
    subject,
    'the object has been modified; please apply your changes to the latest version and try again',
  )
}

/** 409 of Apply: other managers own what would change. */
export function applyConflict(message: string, causes: readonly Cause[]): ApiFailure {
  const count = causes.length === 1 ? '1 conflict' : `${causes.length} conflicts`
  return failure(409, `Apply failed with ${count}: ${message}`, 'Conflict', {
    causes: causes.map((cause) => ({ ...cause })),
  })
}

/** 410: the resourceVersion is older than what the server remembers. */
export function gone(message: string): ApiFailure {
  return failure(410, message, 'Expired')
}

/** 413: the body is longer than the server takes, in bytes. */
export function tooLarge(limit: number): ApiFailure {
  return failure(413, `Request entity too large: limit is ${limit}`, 'RequestEntityTooLarge')
}

/** 415: the media type of the body is not taken. */
export function unsupportedMediaType(accepted?: readonly string[]): ApiFailure {
  if (accepted === undefined) return failure(415, '415: Unsupported Media Type', 'UnsupportedMediaType', {})
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`
  return failure(415, message, 'UnsupportedMediaType')
}

/** 415 of a body that only this server does not read: kubectl sends it where it makes an object itself. */
export function protobufRefused(): ApiFailure {
  const hint = 'kubectl create … --dry-run=client -o yaml | kubectl apply -f -'
  const message = `the embedded cluster reads JSON and YAML, not protobuf; send the object as a file instead: ${hint}`
  return failure(415, message, 'UnsupportedMediaType')
}

/** 422: the object, or the options of the request, are invalid. */
export function invalid(subject: Subject, causes: readonly Cause[]): ApiFailure {
  const texts = [...new Set(causes.map((cause) => `${cause.field}: ${cause.message}`))]
  const message = `${qualified(subject)} "${subject.name ?? ''}" is invalid: ${texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`}`
  return failure(422, message, 'Invalid', {
    ...described(subject),
    causes: causes.map((cause) => ({ ...cause })),
  })
}

/** 422 of request options, for example an unknown `dryRun`. */
export function invalidOptions(kind: string, causes: readonly Cause[]): ApiFailure {
  return invalid({ group: 'meta.k8s.io', kind }, causes)
}

/** 422 of a patch whose result can't be read. */
export function invalidPatch(message: string): ApiFailure {
  return invalid({ kind: '' }, [{ reason: 'FieldValueInvalid', message: `Invalid value: ${message}`, field: 'patch' }])
}

/** 422 of a JSON patch that does not fit the object. */
export function patchRefused(): ApiFailure {
  return failure(422, 'the server rejected our request due to an error in our request', 'Invalid', {})
}

/** 500: what the real server does not classify either. */
export function internal(message: string): ApiFailure {
  return failure(500, message, undefined)
}

/** 504: a list from the future. */
export function tooLargeVersion(wanted: number, current: number): ApiFailure {
  return failure(504, `Timeout: Too large resource version: ${wanted}, current: ${current}`, 'Timeout', {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  })
}
