/** A repository's files with so many canaries, each with its Deployment, spread over 20 namespaces. */
export function fleetFiles(canaries: number): Record<string, string> {
  const files: Record<string, string> = {}
  for (let i = 0; i < Math.min(20, canaries); i += 1) {
    files[`namespaces/team-${i}.yaml`] = `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: team-${i}\n`
  }
  for (let i = 0; i < canaries; i += 1) {
    files[deploymentPath(i)] = deployment(i, '1.0.0')
    files[`apps/app-${i}/canary.yaml`] = canary(i)
  }
  return files
}

export function deploymentPath(i: number): string {
  return `apps/app-${i}/deployment.yaml`
}

export function deployment(i: number, tag: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-${i}
  namespace: ${namespaceOf(i)}
  labels:
    app: app-${i}
spec:
  replicas: 1
  progressDeadlineSeconds: 60
  selector:
    matchLabels:
      app: app-${i}
  template:
    metadata:
      labels:
        app: app-${i}
    spec:
      containers:
        - name: app
          image: registry.example/app-${i}:${tag}
          ports:
            - name: http
              containerPort: 8080
          readinessProbe:
            httpGet:
              path: /healthz
              port: 8080
          resources:
            requests:
              cpu: 100m
              memory: 64Mi
`
}

function canary(i: number): string {
  return `apiVersion: flagger.app/v1beta1
kind: Canary
metadata:
  name: app-${i}
  namespace: ${namespaceOf(i)}
spec:
  provider: istio
  targetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: app-${i}
  service:
    port: 8080
    gateways:
      - istio-system/public-gateway
    hosts:
      - app-${i}.example.com
  analysis:
    interval: 1m
    threshold: 5
    maxWeight: 50
    stepWeight: 10
    metrics:
      - name: request-success-rate
        thresholdRange:
          min: 99
        interval: 1m
      - name: request-duration
        thresholdRange:
          max: 500
        interval: 1m
`
}

function namespaceOf(i: number): string {
  return `team-${i % 20}`
}
