export interface DeploymentOptions {
  readonly tag?: string
  /** Annotations of its pods: what they do. */
  readonly pods?: Readonly<Record<string, string>>
}

/** The manifest of a Deployment with one pod and one container, as people write it. */
export function deploymentText(
  namespace: string,
  name: string,
  { tag = '1.0.0', pods = {} }: DeploymentOptions = {},
): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  namespace: ${namespace}
spec:
  selector:
    matchLabels:
      app: ${name}
  template:
    metadata:
      labels:
        app: ${name}
      annotations: ${JSON.stringify(pods)}
    spec:
      containers:
        - name: app
          image: example.com/${name}:${tag}
          ports:
            - containerPort: 9898
`
}
