import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One request in the words of RBAC, and how it was answered. */
export interface Access {
  /** For example `patch`; an apply that made the object counts as `create` too. */
  readonly verb: string
  readonly group: string
  /** With its subresource: `canaries/status`. */
  readonly resource: string
  readonly status: number
}

export interface ApiRecorder {
  readonly url: string
  readonly seen: readonly Access[]
  close(): Promise<void>
}

/** A door of plain HTTP before another one, which notes what goes through. Discovery and `/version` need no rights. */
export async function startApiRecorder(upstream: string): Promise<ApiRecorder> {
  const seen: Access[] = []
  const server = createServer((incoming, outgoing) => {
    const { method, headers } = incoming
    const onward = httpRequest(`${upstream}${incoming.url ?? '/'}`, { method, headers }, (answer) => {
      const status = answer.statusCode ?? 502
      seen.push(...accessesOf(incoming, status))
      outgoing.writeHead(status, answer.headers)
      outgoing.flushHeaders()
      answer.pipe(outgoing)
      answer.once('error', () => outgoing.destroy())
    })
    onward.once('error', () => outgoing.destroy())
    outgoing.once('close', () => onward.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const VERBS: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

function accessesOf({ method = 'GET', url = '/' }: IncomingMessage, status: number): readonly Access[] {
  const { pathname, searchParams } = new URL(url, 'http://api')
  const match =
    /^\/(?:api|apis\/([^/]+))\/v[^/]+(?:\/namespaces\/[^/]+(?=\/))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
      pathname,
    )
  const [, group = '', plural, name, subresource] = match ?? []
  if (plural === undefined) return []
  const resource = subresource === undefined ? plural : `${plural}/${subresource}`
  const one = (verb: string): Access => ({ verb, group, resource, status })
  if (method !== 'GET') {
    const verb = VERBS[method] ?? method
    return method === 'PATCH' && status === 201 ? [one(verb), one('create')] : [one(verb)]
  }
  if (name !== undefined) return [one('get')]
  return [one(searchParams.get('watch') === '1' ? 'watch' : 'list')]
}
