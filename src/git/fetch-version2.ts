import { Problem } from '../lib/problem.ts'
import type { GitHttp } from './git-http.ts'
import { isOid } from './objects.ts'
import { delimiterPacket, flushPacket, packet, readPackets } from './pkt-line.ts'
import type { Oid } from './types.ts'

/** What to ask the server for. */
export interface Wanted {
  readonly want: Oid
  /** A commit that is here, with all it holds, down to the shallow ones. */
  readonly have: Oid | null
  /** Commits whose parents are not here. */
  readonly shallow: readonly Oid[]
  /** How many commits of history: from the tip, or behind the shallow ones if `relative`. */
  readonly depth: number
  readonly relative: boolean
  readonly totalMs: number
  readonly maxBytes: number
}

/** What the server sent. */
export interface Received {
  /** A thin pack: its deltas may build on objects that are here. */
  readonly pack: Buffer
  /** Commits whose parents the server leaves out. */
  readonly shallow: readonly Oid[]
}

/**
 * Fetches one commit with the `fetch` command of protocol 2, in one round trip (gitprotocol-v2). undefined when the
 * server does not speak it. Rejects with a Problem: `GIT_TIP_GONE` when the server does not have the commit.
 */
export async function fetchVersion2(http: GitHttp, wanted: Wanted): Promise<Received | undefined> {
  const { want, have, shallow, depth, relative } = wanted
  const lines = ['thin-pack', 'no-progress', 'ofs-delta', `want ${want}`, `deepen ${depth}`]
  if (relative) lines.push('deepen-relative')
  if (have !== null) lines.push(`have ${have}`)
  lines.push(...shallow.map((oid) => `shallow ${oid}`), 'done')
  const answer = await http.send({
    method: 'POST',
    path: '/git-upload-pack',
    headers: {
      'content-type': 'application/x-git-upload-pack-request',
      accept: 'application/x-git-upload-pack-result',
      'git-protocol': 'version=2',
    },
    body: Buffer.concat([
      packet('command=fetch\n'),
      delimiterPacket,
      ...lines.map((line) => packet(`${line}\n`)),
      flushPacket,
    ]),
    expect: 'application/x-git-upload-pack-result',
    totalMs: wanted.totalMs,
    maxBytes: wanted.maxBytes,
  })
  return readAnswer(http, answer, want)
}

function readAnswer(http: GitHttp, answer: Buffer, want: Oid): Received | undefined {
  const parts: Buffer[] = []
  const shallow: Oid[] = []
  let section = ''
  for (const line of readPackets(answer)) {
    if (line === null) {
      section = ''
    } else if (section === 'packfile') {
      if (line[0] === 1) parts.push(line.subarray(1))
      if (line[0] === 3) throw failed(http, line.toString('utf8', 1), want)
    } else if (section === 'shallow-info') {
      const [word = '', oid = ''] = line.toString('latin1').trim().split(' ')
      if (word === 'shallow' && isOid(oid)) shallow.push(oid)
    } else {
      section = line.toString('utf8').trim()
      if (section.startsWith('ERR ') && /unknown|unexpected|protocol/i.test(section)) return undefined
      if (section.startsWith('ERR ')) throw failed(http, section.slice(4), want)
    }
  }
  return parts.length === 0 ? undefined : { pack: Buffer.concat(parts), shallow }
}

function failed(http: GitHttp, text: string, want: Oid): Problem {
  const isGone = /not our ref|not found|bad object|no such/i.test(text)
  return new Problem({
    kind: 'retry',
    code: isGone ? 'GIT_TIP_GONE' : 'GIT_SERVER_ERROR',
    message: isGone ? `the server no longer has commit ${want}` : `the server said: ${http.clean(text)}`,
    place: http.url,
  })
}
