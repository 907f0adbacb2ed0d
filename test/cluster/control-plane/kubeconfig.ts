/** How to reach an API server as somebody. */
export interface KubeconfigAccess {
  /** Of the context, the cluster and the user. */
  readonly name: string
  readonly url: string
  /** Absent for plain HTTP. */
  readonly caPath?: string
  readonly token: string
}

/** A kubeconfig with one context. JSON is YAML. */
export function kubeconfigText({ name, url, caPath, token }: KubeconfigAccess): string {
  const cluster = caPath === undefined ? { server: url } : { server: url, 'certificate-authority': caPath }
  return JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': name,
      contexts: [{ name, context: { cluster: name, user: name } }],
      clusters: [{ name, cluster }],
      users: [{ name, user: { token } }],
    },
    undefined,
    2,
  )
}
