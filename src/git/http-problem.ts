import { Problem } from '../lib/problem.ts'

interface Answer {
  readonly status: number
  readonly type: string
  readonly url: string
  readonly location: string | undefined
  /** What the server said, already safe to show; may be empty. */
  readonly text: string
}

/** What an answer that is not the expected one means. */
export function checkStatus(answer: Answer): Problem {
  const { status, url } = answer
  const said = answer.text === '' ? '' : `: ${answer.text}`
  // Azure DevOps answers 203 with its sign-in page.
  if (status === 401 || status === 403 || status === 203) {
    const hint = 'check the token, its expiry and its rights on this repository'
    return stalled('GIT_AUTH_DENIED', `the server denies access (HTTP ${status})${said}`, url, hint)
  }
  if (status === 404 || status === 410) {
    const hint = 'check the url; servers also answer so when the credentials do not suffice'
    return stalled('GIT_REPOSITORY_NOT_FOUND', `there is no such repository (HTTP ${status})`, url, hint)
  }
  if (status >= 300 && status < 400) {
    const to = answer.location?.replace(/\/(info\/refs|git-(upload|receive)-pack).*$/, '')
    return stalled('GIT_MOVED', 'the repository has another address', url, `set the url to ${to ?? 'the new address'}`)
  }
  if (status === 429) return retry('GIT_RATE_LIMITED', `the server asks for fewer requests (HTTP 429)${said}`, url)
  if (status >= 500 || status === 408)
    return retry('GIT_SERVER_ERROR', `the server failed (HTTP ${status})${said}`, url)
  if (status === 200) {
    const what = answer.type === '' ? 'something' : answer.type
    const hint = 'check the url: it should be the one that `git clone` takes'
    return stalled('GIT_NOT_A_REPOSITORY', `the server answered ${what} instead of Git`, url, hint)
  }
  return stalled('GIT_SERVER_ERROR', `the server answered HTTP ${status}${said}`, url)
}

/** A failure below HTTP: an unknown host, a refused or broken connection, a certificate. */
export function networkProblem(error: unknown, host: string, url: string): Problem {
  const code = errorCode(error)
  if (/CERT|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|ERR_TLS/.test(code)) {
    const hint = 'give the certificate authority in NODE_EXTRA_CA_CERTS'
    return stalled('GIT_CERTIFICATE', `the certificate of ${host} is not trusted (${code})`, url, hint)
  }
  return new Problem({
    kind: 'retry',
    code: 'GIT_UNREACHABLE',
    message: `${host} cannot be reached (${code})`,
    place: url,
    cause: error,
  })
}

function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.cause === undefined ? error.name : errorCode(error.cause)
}

function stalled(code: string, message: string, place: string, hint?: string): Problem {
  return new Problem({ kind: 'stalled', code, message, place, hint })
}

function retry(code: string, message: string, place: string): Problem {
  return new Problem({ kind: 'retry', code, message, place })
}
