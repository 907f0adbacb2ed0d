import { Problem } from '../lib/problem.ts'

/** A user name and password, or token as password, for HTTP. */
export interface Credentials {
  readonly username: string
  readonly password: string
}

/** A repository's address without credentials, and those it carried. */
export interface RemoteUrl {
  /** Without a slash at its end. Safe to show. */
  readonly url: string
  readonly credentials: Credentials | undefined
}

/** Checks a repository's URL. Throws a Problem (`stalled`, `GIT_URL`) unless it is http or https. */
export function parseRemoteUrl(text: string): RemoteUrl {
  const ssh = /^(?:ssh:\/\/)?(?:[^@/\s:]+@)?([^/\s:@]+):(?!\/\/)(?:\d+\/)?([^\s]*)$/.exec(text)
  if (text.startsWith('ssh://') || (ssh !== null && !/^[a-z][a-z+.-]*:\/\//i.test(text))) {
    const [, host = 'host', path = 'owner/repository'] =
      ssh ?? /^ssh:\/\/(?:[^@/]*@)?([^/:]+)(?::\d+)?\/(.*)$/.exec(text) ?? []
    throw badUrl('SSH addresses are not supported', `use https://${host}/${path.replace(/^\/+/, '')} with a token`)
  }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw badUrl(
      url === undefined ? 'the repository has no valid URL' : `repositories cannot be read over "${url.protocol}"`,
      'give a URL such as https://github.com/owner/repository',
    )
  }
  const credentials =
    url.username === '' && url.password === ''
      ? undefined
      : { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }
  url.username = ''
  url.password = ''
  url.hash = ''
  return { url: url.href.replace(/\/+$/, ''), credentials }
}

/**
 * Foreign text made safe to show: one line, no control characters, no credentials, at most 500 characters.
 * `secrets` are removed wherever they occur, and so is the user part of any URL.
 */
export function sanitize(text: string, secrets: readonly string[] = []): string {
  let clean = text
  for (const secret of secrets) if (secret.length > 3) clean = clean.replaceAll(secret, '***')
  clean = clean
    .replaceAll(/:\/\/[^/@\s]+@/g, '://')
    .replaceAll(/\p{Cc}+/gu, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim()
  return clean.length > 500 ? `${clean.slice(0, 499)}…` : clean
}

function badUrl(message: string, hint: string): Problem {
  return new Problem({ kind: 'stalled', code: 'GIT_URL', message, hint })
}
