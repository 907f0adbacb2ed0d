import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The image of every pod's sandbox. */
export const PAUSE_IMAGE = 'serin.local/pause:1'

/** What the application's pods listen on. */
export const POD_PORT = 8080

/** One release of the application: its version, and how many of a hundred answers are 500. */
export interface Release {
  readonly version: string
  readonly failPercent: number
}

/** The name of a release's image, as a Deployment names it. */
export function imageOf(version: string): string {
  return `serin.local/podinfo:${version}`
}

/**
 * Writes an archive, as `docker save` does, of an image for each release and the sandbox's, and returns its path. The
 * application is busybox's HTTP server: `/` answers with its version and its pod's name, `/readyz` with 200.
 */
export function writeImages(directory: string, busybox: string, releases: readonly Release[]): string {
  const work = join(directory, 'images')
  const archive = join(work, 'archive')
  mkdirSync(archive, { recursive: true })
  const layer = writeLayer(work, archive, busybox)
  const images = [
    image(archive, layer, PAUSE_IMAGE, ['/bin/sleep', '2147483647'], []),
    ...releases.map(({ version, failPercent }) =>
      image(
        archive,
        layer,
        imageOf(version),
        ['/bin/sh', '-c', SERVE],
        [`VERSION=${version}`, `FAIL_PERCENT=${failPercent}`],
      ),
    ),
  ]
  writeFileSync(join(archive, 'manifest.json'), JSON.stringify(images))
  const path = join(work, 'images.tar')
  tar(archive, path)
  return path
}

const APPLETS = ['sh', 'httpd', 'sleep']

/** A first process that does not ask for SIGTERM does not get it: the shell does. */
const SERVE = `trap 'exit 0' TERM; httpd -f -p ${POD_PORT} -h /www & wait`

/** Each answer is a process of its own; `$RANDOM` of the shell is seeded by process and time. */
const ANSWER = `#!/bin/sh
if [ $((RANDOM % 100)) -lt "$FAIL_PERCENT" ]; then echo 'Status: 500 Internal Server Error'; fi
echo 'Content-Type: text/plain'
echo "X-Version: $VERSION"
echo "X-Pod: $HOSTNAME"
echo
echo "podinfo $VERSION on $HOSTNAME"
`

function writeLayer(work: string, archive: string, busybox: string): string {
  const rootfs = join(work, 'rootfs')
  for (const folder of ['bin', 'tmp', 'etc', 'proc', 'sys', 'dev', 'www/cgi-bin']) {
    mkdirSync(join(rootfs, folder), { recursive: true })
  }
  copyFileSync(busybox, join(rootfs, 'bin/busybox'))
  chmodSync(join(rootfs, 'bin/busybox'), 0o755)
  for (const applet of APPLETS) symlinkSync('busybox', join(rootfs, 'bin', applet))
  // A folder without an index is answered by this program.
  writeFileSync(join(rootfs, 'www/cgi-bin/index.cgi'), ANSWER, { mode: 0o755 })
  writeFileSync(join(rootfs, 'www/readyz'), 'ok\n')
  const layer = join(archive, 'layer.tar')
  tar(rootfs, layer)
  return createHash('sha256').update(readFileSync(layer)).digest('hex')
}

function image(archive: string, layer: string, name: string, command: readonly string[], env: readonly string[]) {
  const config = {
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: { Cmd: command, Env: ['PATH=/bin', ...env], WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
  }
  const text = JSON.stringify(config)
  const file = `${createHash('sha256').update(text).digest('hex')}.json`
  writeFileSync(join(archive, file), text)
  return { Config: file, RepoTags: [name], Layers: ['layer.tar'] }
}

/** Packs what is in a folder. */
function tar(folder: string, path: string): void {
  const flags = ['--create', '--owner=0', '--group=0', '--numeric-owner', '--sort=name', '--mtime=@0']
  execFileSync('tar', [...flags, `--file=${path}`, '--directory', folder, '.'])
}
