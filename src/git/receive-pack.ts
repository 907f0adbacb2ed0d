import { flushPacket, packet, readPackets } from './pkt-line.ts'
import type { GitHttp } from './git-http.ts'
import type { Oid } from './types.ts'

const zeroOid = '0'.repeat(40)

/** What the server reports about a push of one ref. */
export interface PushReport {
  /**
   * `ok`: it says that it took it; `refused`: it says no to the ref; `failed`: it could not take the objects or says
   * nothing; `known`: it was not asked, because it had all the commits before and only the tip can tell what became of them.
   */
  readonly kind: 'ok' | 'refused' | 'failed' | 'known'
  /** What it said: the reason behind `ng`, and what hooks printed. Safe to show. */
  readonly message: string
}

/**
 * Moves one ref from `expected` to `next` with one POST and no discovery: the server compares the old oid itself
 * (gitprotocol-pack, receive-pack). Rejects with a Problem when there is no readable answer.
 */
export async function sendPack(
  http: GitHttp,
  ref: string,
  expected: Oid | null,
  next: Oid,
  pack: Buffer,
): Promise<PushReport> {
  const capabilities = 'report-status atomic side-band-64k agent=git/serin'
  const command = packet(`${expected ?? zeroOid} ${next} ${ref}\0 ${capabilities}\n`)
  const answer = await http.send({
    method: 'POST',
    path: '/git-receive-pack',
    headers: {
      'content-type': 'application/x-git-receive-pack-request',
      accept: 'application/x-git-receive-pack-result',
    },
    body: Buffer.concat([command, flushPacket, pack]),
    expect: 'application/x-git-receive-pack-result',
    maxBytes: 1024 * 1024,
  })
  return readReport(answer, ref, (text) => http.clean(text))
}

/** Reads a report-status answer, with or without side bands. `clean` makes the server's words safe to show. */
export function readReport(answer: Buffer, ref: string, clean: (text: string) => string): PushReport {
  const { report, progress, fatal } = splitBands(answer)
  let unpack = ''
  let verdict: string | undefined
  for (const line of report) {
    if (line.startsWith('unpack ')) unpack = line.slice(7)
    if (line === `ok ${ref}`) verdict = 'ok'
    if (line.startsWith(`ng ${ref}`)) verdict = line.slice(4 + ref.length).trim() || 'no reason given'
  }
  if (unpack === 'ok' && verdict === 'ok') return { kind: 'ok', message: '' }
  const said = [fatal, unpack === 'ok' ? '' : unpack, verdict ?? '', progress].filter((text) => text.trim() !== '')
  const message = clean(said.join(': '))
  if (unpack === 'ok' && verdict !== undefined) return { kind: 'refused', message }
  return { kind: 'failed', message: message === '' ? 'the server gave no report' : message }
}

function splitBands(answer: Buffer): { report: string[]; progress: string; fatal: string } {
  const data: Buffer[] = []
  const plain: string[] = []
  let progress = ''
  let fatal = ''
  for (const line of readPackets(answer)) {
    if (line === null) continue
    const band = line[0]
    if (band === 1) data.push(line.subarray(1))
    else if (band === 2) progress += line.toString('utf8', 1)
    else if (band === 3) fatal += line.toString('utf8', 1)
    else if (line.toString('utf8', 0, 4) === 'ERR ') fatal += line.toString('utf8', 4)
    else plain.push(line.toString('utf8').trimEnd())
  }
  const report = [...plain]
  for (const line of readPackets(Buffer.concat(data))) {
    if (line !== null) report.push(line.toString('utf8').trimEnd())
  }
  return { report, progress, fatal }
}
