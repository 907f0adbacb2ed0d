import { Problem } from '../lib/problem.ts'

/** Far above the largest page of comments or pull requests we ask for. */
const MAX_BODY_BYTES = 16 * 1024 * 1024

/**
 * A fetch for octokit that gives every request a deadline, reads at most 16 MiB and takes only JSON as a success, so
 * that a proxy's sign-in page is never read as an answer. Its Problems arrive as the `cause` of octokit's error.
 */
export function guardedFetch(inner: typeof fetch, timeoutMs: number): typeof fetch {
  return async (input, init) => {
    const deadline = AbortSignal.timeout(timeoutMs)
    const caller = init?.signal
    const signal = caller ? AbortSignal.any([caller, deadline]) : deadline
    try {
      const response = await inner(input, { ...init, signal })
      const body = await readBody(response)
      checkContentType(response, body.length)
      const empty = response.status === 204 || response.status === 205 || response.status === 304
      const { status, statusText, headers } = response
      return new Response(empty ? null : body, { status, statusText, headers })
    } catch (error) {
      if (error instanceof Problem) throw error
      if (!deadline.aborted) throw error
      throw new Problem({
        kind: 'retry',
        code: 'FORGE_TIMEOUT',
        message: `the forge did not answer within ${timeoutMs} ms`,
      })
    }
  }
}

async function readBody(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    const bytes: unknown = chunk
    if (!(bytes instanceof Uint8Array)) throw new TypeError('the body is not made of bytes')
    size += bytes.length
    if (size > MAX_BODY_BYTES) throw badAnswer(`the answer is larger than ${MAX_BODY_BYTES} bytes`)
    chunks.push(bytes)
  }
  const whole = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.length
  }
  return whole
}

function checkContentType(response: Response, length: number): void {
  if (!response.ok || length === 0) return
  const type = response.headers.get('content-type') ?? 'none'
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) {
    throw badAnswer(`the answer's content type is "${type.slice(0, 100)}", not JSON`)
  }
}

function badAnswer(message: string): Problem {
  return new Problem({
    kind: 'retry',
    code: 'FORGE_BAD_ANSWER',
    message,
    hint: 'check that forge.url names the API of a GitHub server, not its web page or a proxy',
  })
}
