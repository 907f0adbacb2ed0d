import { Problem } from '../lib/problem.ts'
import { isOid } from './objects.ts'
import { delimiterPacket, flushPacket, packet, readPackets } from './pkt-line.ts'
import type { GitHttp } from './git-http.ts'
import type { Oid } from './types.ts'

/**
 * Asks for the tip of one ref in one round trip: the `ls-refs` command of protocol 2 without a discovery before it
 * (gitprotocol-v2). null when there is no such ref; undefined when the server does not speak protocol 2.
 */
export async function readTip(http: GitHttp, ref: string): Promise<Oid | null | undefined> {
  const answer = await http.send({
    method: 'POST',
    path: '/git-upload-pack',
    headers: {
      'content-type': 'application/x-git-upload-pack-request',
      accept: 'application/x-git-upload-pack-result',
      'git-protocol': 'version=2',
    },
    body: Buffer.concat([packet('command=ls-refs\n'), delimiterPacket, packet(`ref-prefix ${ref}\n`), flushPacket]),
    expect: 'application/x-git-upload-pack-result',
    maxBytes: 4 * 1024 * 1024,
  })
  let flushed = false
  for (const line of readPackets(answer)) {
    if (line === null) {
      flushed = true
      continue
    }
    const text = line.toString('utf8').trimEnd()
    if (text.startsWith('ERR ')) {
      if (/unknown|unexpected|invalid|protocol/i.test(text)) return undefined
      throw badAnswer(http, http.clean(text.slice(4)))
    }
    const [oid = '', name = ''] = text.split(' ')
    if (name === ref && isOid(oid)) return oid
  }
  if (!flushed) return undefined
  return null
}

function badAnswer(http: GitHttp, message: string): Problem {
  return new Problem({ kind: 'retry', code: 'GIT_BAD_ANSWER', message: `the server said: ${message}`, place: http.url })
}
