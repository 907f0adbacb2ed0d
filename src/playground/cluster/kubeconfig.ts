/** A kubeconfig for an embedded cluster: one context, `serin-demo`, without credentials. */
export function kubeconfig(url: string): string {
  return `apiVersion: v1
kind: Config
clusters:
  - name: serin-demo
    cluster:
      server: ${url}
users:
  - name: serin-demo
    user: {}
contexts:
  - name: serin-demo
    context:
      cluster: serin-demo
      user: serin-demo
      namespace: default
current-context: serin-demo
`
}
