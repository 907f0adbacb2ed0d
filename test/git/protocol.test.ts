import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { filterAdvertisement } from '../../src/git/advertisement.ts'
import { flushPacket, packet, readPackets } from '../../src/git/pkt-line.ts'
import { refusal } from '../../src/git/push-outcome.ts'
import { readReport } from '../../src/git/receive-pack.ts'
import { sanitize } from '../../src/git/remote-url.ts'
import { Problem } from '../../src/lib/problem.ts'

const ref = 'refs/heads/main'
const tip = 'a'.repeat(40)

function bands(report: readonly string[], progress = ''): Buffer {
  const inner = Buffer.concat([...report.map((line) => packet(`${line}\n`)), flushPacket])
  const parts = [packet(Buffer.concat([Buffer.of(1), inner])), flushPacket]
  if (progress !== '') parts.unshift(packet(Buffer.concat([Buffer.of(2), Buffer.from(progress)])))
  return Buffer.concat(parts)
}

describe('the report of a push', () => {
  const read = (answer: Buffer): ReturnType<typeof readReport> => readReport(answer, ref, sanitize)

  it('is a success only when the objects and the ref were taken', () => {
    expect(read(bands(['unpack ok', `ok ${ref}`]))).toEqual({ kind: 'ok', message: '' })
    expect(read(bands(['unpack ok', 'ok refs/heads/other'])).kind).toBe('failed')
    expect(read(bands([`ok ${ref}`])).kind).toBe('failed')
    expect(read(bands([])).message).toBe('the server gave no report')
    expect(read(Buffer.concat([packet('unpack ok\n'), packet(`ok ${ref}\n`), flushPacket])).kind).toBe('ok')
  })

  it.each([
    ["cannot lock ref 'refs/heads/main': is at 0a1b2c3d but expected 4e5f6a7b", 'GIT_REF_STUCK'],
    ['failed to update ref', 'GIT_REF_STUCK'],
    ['atomic transaction failed', 'GIT_REF_STUCK'],
    ['reference already exists', 'GIT_REF_STUCK'],
    ['pre-receive hook declined', 'GIT_PUSH_REFUSED'],
    ['protected branch hook declined', 'GIT_PUSH_REFUSED'],
    ['push declined due to repository rule violations', 'GIT_PUSH_REFUSED'],
    ['deny updating a hidden ref', 'GIT_PUSH_REFUSED'],
    ['GitLab: You are not allowed to push code to protected branches on this project.', 'GIT_PUSH_REFUSED'],
  ])('says of "%s", while the tip stands still, %s', (reason, code) => {
    const report = read(bands(['unpack ok', `ng ${ref} ${reason}`]))
    expect(report.kind).toBe('refused')
    expect(refusal(report, tip)).toMatchObject({ kind: 'refused', code })
  })

  it('leaves open what became of objects that could not be unpacked', () => {
    const report = read(bands(['unpack index-pack abnormal exit', `ng ${ref} unpacker error`], 'error: no space left'))
    expect(refusal(report, tip)).toEqual({
      kind: 'unknown',
      message: 'index-pack abnormal exit: unpacker error: error: no space left',
    })
  })
})

describe('answers of any bytes', () => {
  const packets = fc
    .array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 })
    .map((all) => Buffer.concat(all.map((one) => packet(Buffer.from(one)))))
  const bytes = fc.oneof(
    packets,
    fc.uint8Array({ maxLength: 80 }).map((all) => Buffer.from(all)),
  )

  it('are read or refused with a Problem', () => {
    fc.assert(
      fc.property(bytes, (answer) => {
        for (const read of [() => readReport(answer, ref, sanitize), () => filterAdvertisement(answer, ref)]) {
          try {
            read()
          } catch (error) {
            expect(error).toBeInstanceOf(Problem)
          }
        }
      }),
    )
  })

  it('come back from packets as they went in', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), (payloads) => {
        const written = Buffer.concat(payloads.map((one) => packet(Buffer.from(one))))
        expect([...readPackets(written)]).toEqual(payloads.map((one) => Buffer.from(one)))
      }),
    )
  })
})

describe('an advertisement', () => {
  it('is cut down to one branch, which is HEAD too', () => {
    const lines = [`${'b'.repeat(40)} HEAD\0shallow side-band-64k`, `${tip} ${ref}`, `${'c'.repeat(40)} refs/heads/x`]
    const answer = Buffer.concat([
      packet('# service=git-upload-pack\n'),
      flushPacket,
      ...lines.map((line) => packet(`${line}\n`)),
      flushPacket,
    ])
    const found = filterAdvertisement(answer, ref)
    expect(found.tip).toBe(tip)
    expect(filterAdvertisement(found.filtered, ref)).toEqual(found)
    expect(found.filtered.toString()).toContain(`${tip} HEAD\0shallow side-band-64k`)
    expect(found.filtered.toString()).not.toContain('refs/heads/x')
    expect(filterAdvertisement(answer, 'refs/heads/none').tip).toBeNull()
  })
})

describe('foreign text', () => {
  it('loses credentials, control characters and what is too long', () => {
    const text = 'remote: \u001b[31mno\u001b[0m\r\nhttps://bot:hunter22@x.example/y used hunter22'
    expect(sanitize(text, ['hunter22'])).toBe('remote: [31mno [0m https://x.example/y used ***')
    expect(sanitize('x'.repeat(9000))).toHaveLength(500)
  })
})
