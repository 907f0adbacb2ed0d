// Bundles the command line into dist/serin.mjs: one entry, with the heavy parts in chunks that load on first use.
// Given a name, an entry and a folder (all or none), bundles that one the same way.
import { rename, rm } from 'node:fs/promises'
import { build } from 'esbuild'

const [name = 'serin', entry = 'src/cli/main.ts', outdir = 'dist'] = process.argv.slice(2)

/** @type {import('esbuild').Plugin} The Kubernetes library does not say that its modules do nothing when they are loaded. */
const onlyWhatIsUsed = {
  name: 'only-what-is-used',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^(\.|@kubernetes\/client-node$)/ }, async ({ path, pluginData, ...rest }) => {
      const isOfLibrary = path.startsWith('@kubernetes/') || /@kubernetes[\\/]client-node/.test(rest.importer)
      if (!isOfLibrary || pluginData === onlyWhatIsUsed) return undefined
      return { ...(await resolve(path, { ...rest, pluginData: onlyWhatIsUsed })), sideEffects: false }
    })
  },
}

// Built beside and put in place at the end, so that nobody runs half a bundle.
const fresh = `${outdir}.${process.pid}`
await build({
  entryPoints: { [name]: entry },
  outdir: fresh,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
  plugins: [onlyWhatIsUsed],
  banner: {
    // Some libraries inside are CommonJS and call require for Node's own modules.
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
})
await rm(outdir, { recursive: true, force: true })
await rename(fresh, outdir)
