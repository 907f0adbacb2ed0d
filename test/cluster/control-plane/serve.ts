/**
 * Keeps a control plane running for many test runs: `npx tsx test/cluster/control-plane/serve.ts` prints the variables to
 * set, and ends with Ctrl-C.
 */
import { findControlPlane, HOW_TO_ADD } from './find.ts'
import { readyControlPlane } from './ready.ts'

const found = findControlPlane()
if (found === undefined) {
  console.error(HOW_TO_ADD)
  process.exit(3)
}
const ready = await readyControlPlane(found)
console.log(`export KUBECONFIG=${ready.kubeconfigPath} SERIN_TEST_CONTEXT=${ready.context}`)
const keepAlive = setInterval(() => {}, 60_000)
let isClosing = false
const close = (): void => {
  if (isClosing) return
  isClosing = true
  clearInterval(keepAlive)
  void ready.close().then(() => process.exit(0))
}
process.on('SIGINT', close)
process.on('SIGTERM', close)
