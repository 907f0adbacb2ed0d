import { describe, expect, it, onTestFinished } from 'vitest'
import { createPrometheus } from '../../../src/metrics/prometheus.ts'
import { startExporter } from '../../support/exporter.ts'
import { needs } from '../../support/needs.ts'
import { startPrometheus } from '../../support/prometheus.ts'

const signal = new AbortController().signal

describe.skipIf(needs('prometheus') === undefined)('metrics/prometheus and the real one', () => {
  it('reads what was scraped, through a restart', async () => {
    const exporter = await startExporter()
    onTestFinished(() => exporter.close())
    const prometheus = await startPrometheus({ targets: [exporter.url], scrapeIntervalMs: 100 })
    onTestFinished(() => prometheus.close())
    const ask = (promql: string) => createPrometheus().query({ address: prometheus.url, promql }, signal)
    const text = 'quote " backslash \\ line\nbreak } ü'
    exporter.set('shown', { text }, 42)

    await prometheus.scraped()
    expect(await ask(`shown{text=${JSON.stringify(text)}}`)).toEqual({ kind: 'value', value: 42 })

    await prometheus.stop()
    expect(await ask('shown')).toMatchObject({
      kind: 'error',
      message: expect.stringMatching(/cannot be reached: .*ECONNREFUSED/),
    })

    await prometheus.start()
    expect(await ask('shown')).toEqual({ kind: 'value', value: 42 })
  })
})
