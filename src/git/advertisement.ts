import { Problem } from '../lib/problem.ts'
import { isOid } from './objects.ts'
import { flushPacket, packet, readPackets } from './pkt-line.ts'
import type { GitHttp } from './git-http.ts'
import type { Oid } from './types.ts'

/** What a server without protocol 2 says before a fetch. */
export interface Advertisement {
  /** The branch's tip; null when there is no such branch. */
  readonly tip: Oid | null
  /** The same answer as if the branch were the repository's only ref, and its HEAD. */
  readonly filtered: Buffer
}

/**
 * Asks a server for its refs (protocol 0) and keeps one. isomorphic-git parses every ref that it is shown, and gives up
 * half way in a repository whose HEAD names a branch that does not exist yet; neither happens with the filtered answer.
 */
export async function discover(http: GitHttp, ref: string): Promise<Advertisement> {
  const answer = await http.send({
    method: 'GET',
    path: '/info/refs?service=git-upload-pack',
    headers: { accept: 'application/x-git-upload-pack-advertisement' },
    expect: 'application/x-git-upload-pack-advertisement',
    maxBytes: 64 * 1024 * 1024,
  })
  return filterAdvertisement(answer, ref)
}

/** Keeps one ref of an advertisement. Throws a Problem when the bytes are none. */
export function filterAdvertisement(answer: Buffer, ref: string): Advertisement {
  let tip: Oid | null = null
  let capabilities: string | undefined
  for (const line of readPackets(answer)) {
    const text = line?.toString('utf8').trimEnd() ?? ''
    if (text === '' || text.startsWith('# ') || text.startsWith('shallow ')) continue
    const [head = '', listed] = text.split('\0')
    capabilities ??= listed ?? ''
    const [oid = '', name] = head.split(' ')
    if (name === ref && isOid(oid)) tip = oid
  }
  if (capabilities === undefined && !answer.toString('latin1').includes('# service=')) {
    throw new Problem({ kind: 'stalled', code: 'GIT_NOT_A_REPOSITORY', message: 'the server does not answer as Git' })
  }
  const service = [packet('# service=git-upload-pack\n'), flushPacket]
  if (tip === null) return { tip, filtered: Buffer.concat([...service, flushPacket]) }
  const refs = [packet(`${tip} HEAD\0${capabilities ?? ''}\n`), packet(`${tip} ${ref}\n`), flushPacket]
  return { tip, filtered: Buffer.concat([...service, ...refs]) }
}
