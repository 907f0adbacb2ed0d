import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../src/lib/kube-object.ts'
import { withPortProtocols } from '../../src/cluster/service-ports.ts'

const service = (ports: readonly object[]): KubeObject =>
  JSON.parse(JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { ports } }))

describe('cluster/service-ports', () => {
  it('names TCP where a port of a Service names no protocol, which an older server does not do at apply', () => {
    const given = service([{ port: 80 }, { port: 53, protocol: 'UDP' }])

    expect(withPortProtocols(given).spec).toEqual({
      ports: [
        { port: 80, protocol: 'TCP' },
        { port: 53, protocol: 'UDP' },
      ],
    })
    expect(given).toEqual(service([{ port: 80 }, { port: 53, protocol: 'UDP' }]))
  })

  it('leaves everything else as it is', () => {
    const other: KubeObject = { apiVersion: 'example.com/v1', kind: 'Service', metadata: { name: 'a' }, spec: {} }
    const bare: KubeObject = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } }

    expect([withPortProtocols(other), withPortProtocols(bare)]).toEqual([other, bare])
  })
})
