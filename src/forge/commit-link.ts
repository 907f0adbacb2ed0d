import { escapeText } from './escape.ts'

/** A commit's first seven digits, linked to the forge's page when `repositoryUrl` is an http(s) address. */
export function commitLink(commit: string, repositoryUrl: string | undefined): string {
  const short = escapeText(commit.slice(0, 7), 7)
  if (repositoryUrl === undefined || !/^[0-9a-f]{7,64}$/.test(commit)) return short
  const url = safeUrl(`${repositoryUrl.replace(/\/+$/, '')}/commit/${commit}`)
  return url === null ? short : `[${short}](${url})`
}

/** An http(s) address without credentials in which nothing can end a Markdown link early; null for all else. */
export function safeUrl(text: string): string | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return null
  url.username = ''
  url.password = ''
  return url.href.replace(/[()<>[\]\\`*_|~$@]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  })
}
