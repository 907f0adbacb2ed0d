import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'

/** A question that a real Prometheus was asked, and its answer. */
export interface Question {
  readonly promql: string
  /** Prometheus' own time of the answer, in milliseconds since the epoch. */
  readonly atMs: number
  readonly value: number
}

/** A door before a Prometheus that keeps what goes through it. */
export interface Questions {
  /** Where to ask. */
  readonly url: string
  /** Those that had one value for an answer, oldest first. */
  readonly asked: readonly Question[]
  /** When Prometheus scraped within a window that ends at a time; milliseconds since the epoch, rising. */
  scrapes(atMs: number, windowMs: number): Promise<readonly number[]>
  close(): Promise<void>
}

const Sample = z.tuple([z.number(), z.string()])
const Instant = z.object({ data: z.object({ result: z.array(z.object({ value: Sample })) }) })
const Range = z.object({ data: z.object({ result: z.tuple([z.object({ values: z.array(Sample) })]) }) })

/** Listens on a free port of 127.0.0.1 and asks Prometheus each question as it came. */
export async function recordQuestions(prometheusUrl: string): Promise<Questions> {
  const asked: Question[] = []
  const forward = async (path: string, response: ServerResponse): Promise<void> => {
    const answer = await fetch(`${prometheusUrl}${path}`)
    const text = await answer.text()
    const promql = new URL(path, prometheusUrl).searchParams.get('query') ?? ''
    const sample = answer.ok ? Instant.parse(JSON.parse(text)).data.result[0]?.value : undefined
    if (sample !== undefined) asked.push({ promql, atMs: sample[0] * 1000, value: Number(sample[1]) })
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' }).end(text)
  }
  const server = createServer((request, response) => {
    forward(request.url ?? '/', response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async scrapes(atMs, windowMs) {
      // Every scrape leaves one sample of this series, with the time that all other series have too.
      const query = new URLSearchParams({ query: `up[${windowMs}ms]`, time: String(atMs / 1000) }).toString()
      const response = await fetch(`${prometheusUrl}/api/v1/query?${query}`)
      return Range.parse(await response.json()).data.result[0].values.map(([seconds]) => seconds * 1000)
    },
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
