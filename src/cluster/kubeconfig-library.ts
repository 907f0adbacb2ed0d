/**
 * The part of the Kubernetes client library that reads kubeconfigs. A module of its own, so that a bundler can tell that
 * nothing else of the library is used: its generated types for every kind of object are 15 MB and take 50 MB of memory.
 */
export { KubeConfig } from '@kubernetes/client-node'
