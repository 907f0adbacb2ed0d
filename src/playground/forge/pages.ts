import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import { timestamp } from '../../lib/clock.ts'
import type { ForgeParts } from './api.ts'
import { escapeHtml, renderMarkdown } from './markdown.ts'
import type { ForgePull } from './store.ts'
import { Refusal } from './work.ts'

const LOG_LENGTH = 200

/** Pages to look at: pull requests, one pull request with its comments, a branch's log, a commit. No script in any. */
export function addPages(app: FastifyInstance, parts: ForgeParts): void {
  const { store, place, repository } = parts
  app.get('/', async (_request, reply) => reply.redirect(`/${place().name}`))
  app.get('/:owner/:repo', async (_request, reply) => {
    const pulls = store.pulls().map((pull) => `<li>${pullLink(pull, parts)}</li>`)
    const branches = (await repository.branches()).map((branch) => `<li>${branchLink(branch, parts)}</li>`)
    const list = pulls.length === 0 ? '<p>None yet.</p>' : `<ul>${pulls.join('')}</ul>`
    return html(
      reply,
      place().name,
      `<h2>Pull requests</h2>${list}<h2>Branches</h2><ul>${branches.join('')}</ul>`,
      parts,
    )
  })
  app.get('/:owner/:repo/pull/:number', async (request, reply) => {
    const { number } = z.object({ number: z.coerce.number() }).parse(request.params)
    const pull = store.pull(number)
    if (pull === null) throw new Refusal(404, 'Not Found')
    return html(reply, `${pull.title} #${pull.number}`, await pullPage(pull, parts), parts)
  })
  app.get('/:owner/:repo/commit/:sha', async (request, reply) => {
    const { sha } = z.object({ sha: z.string() }).parse(request.params)
    const commit = await repository.resolve(sha)
    if (commit === null) throw new Refusal(404, 'Not Found')
    return html(reply, `Commit ${commit.slice(0, 7)}`, patch(await repository.show(commit)), parts)
  })
  app.get('/:owner/:repo/commits/*', async (request, reply) => {
    const { '*': branch } = z.object({ '*': z.string() }).parse(request.params)
    if ((await repository.resolve(`refs/heads/${branch}`)) === null) throw new Refusal(404, 'Not Found')
    return html(reply, branch, await logPage(branch, parts), parts)
  })
}

async function pullPage(pull: ForgePull, parts: ForgeParts): Promise<string> {
  const state = pull.mergedMs === undefined ? pull.state : 'merged'
  const lines = [
    `<p><b class="state ${state}">${state}</b> ${escapeHtml(pull.author.login)} wants <code>${escapeHtml(pull.head)}</code> in <code>${escapeHtml(pull.base)}</code></p>`,
  ]
  if (pull.mergeCommit !== undefined) lines.push(`<p>Merged as ${commitLink(pull.mergeCommit, parts)}</p>`)
  if (pull.body !== '') lines.push(`<article>${renderMarkdown(pull.body)}</article>`)
  for (const comment of parts.store.comments(pull.number)) {
    const edited = comment.edits === 0 ? '' : `, edited ${comment.edits} times`
    lines.push(
      `<article id="issuecomment-${comment.id}"><header><b>${escapeHtml(comment.author.login)}</b> on ${timestamp(comment.createdMs)}${edited}</header>${renderMarkdown(comment.body)}</article>`,
    )
  }
  lines.push('<h2>Changes</h2>', patch(await changes(pull, parts)))
  return lines.join('\n')
}

async function changes(pull: ForgePull, { repository }: ForgeParts): Promise<string> {
  if (pull.mergeCommit !== undefined) return repository.show(pull.mergeCommit)
  const head = await repository.resolve(`refs/heads/${pull.head}`)
  return head === null ? 'The branch is gone.' : repository.diff(`refs/heads/${pull.base}`, head)
}

async function logPage(branch: string, parts: ForgeParts): Promise<string> {
  const rows = (await parts.repository.log(`refs/heads/${branch}`, LOG_LENGTH)).map(
    ([hash, seconds, author, subject]) => {
      const time = timestamp(Number(seconds) * 1000)
      return `<tr><td>${commitLink(hash ?? '', parts)}</td><td>${escapeHtml(subject ?? '')}</td><td>${escapeHtml(author ?? '')}</td><td>${time}</td></tr>`
    },
  )
  return `<table><thead><tr><th>Commit</th><th>Subject</th><th>Author</th><th>Time</th></tr></thead><tbody>${rows.join('')}</tbody></table>`
}

function patch(text: string): string {
  const lines = text.split('\n').map((line) => {
    const kind = line.startsWith('+') ? 'added' : line.startsWith('-') ? 'removed' : ''
    return kind === '' ? escapeHtml(line) : `<span class="${kind}">${escapeHtml(line)}</span>`
  })
  return `<pre>${lines.join('\n')}</pre>`
}

function pullLink(pull: ForgePull, { place, store }: ForgeParts): string {
  const state = pull.mergedMs === undefined ? pull.state : 'merged'
  const comments = store.comments(pull.number).length
  return `<b class="state ${state}">${state}</b> <a href="/${place().name}/pull/${pull.number}">${escapeHtml(pull.title)}</a> #${pull.number} by ${escapeHtml(pull.author.login)}, comments: ${comments}`
}

function branchLink(branch: string, { place }: ForgeParts): string {
  const path = branch.split('/').map(encodeURIComponent).join('/')
  return `<a href="/${place().name}/commits/${path}">${escapeHtml(branch)}</a>`
}

function commitLink(commit: string, { place }: ForgeParts): string {
  return `<a href="/${place().name}/commit/${escapeHtml(commit)}"><code>${escapeHtml(commit.slice(0, 7))}</code></a>`
}

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2328; background: #fff; max-width: 60rem; margin: 0 auto; padding: 1rem }
a { color: #0969da } h1 { font-size: 1.4rem } h2 { font-size: 1.2rem } h3 { font-size: 1.1rem; margin: 1.2rem 0 .5rem }
article { border: 1px solid #d1d9e0; border-radius: 6px; padding: .5rem 1rem; margin: 1rem 0; overflow-wrap: break-word }
article header { color: #59636e; border-bottom: 1px solid #d1d9e0; margin: 0 -1rem .5rem; padding: 0 1rem .4rem }
table { border-collapse: collapse; display: block; overflow-x: auto; margin: .5rem 0 } th, td { border: 1px solid #d1d9e0; padding: .3rem .6rem; text-align: left }
.right { text-align: right } code, pre { font: .85rem/1.45 ui-monospace, monospace; background: #f6f8fa; border-radius: 4px } code { padding: .1rem .3rem }
pre { padding: .8rem; overflow-x: auto } .added { color: #116329 } .removed { color: #a40e26 }
.state { color: #fff; border-radius: 1rem; padding: .1rem .6rem; font-size: .85rem } .open { background: #1a7f37 } .merged { background: #8250df } .closed { background: #cf222e }
@media (prefers-color-scheme: dark) { body { color: #f0f6fc; background: #0d1117 } a { color: #4493f8 } article, th, td, article header { border-color: #3d444d } code, pre { background: #151b23 } .added { color: #7ee787 } .removed { color: #ff7b72 } }
`

function html(reply: FastifyReply, title: string, body: string, { place }: ForgeParts): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header(
      'content-security-policy',
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'",
    )
    .header('x-content-type-options', 'nosniff').send(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><p><a href="/${place().name}">${escapeHtml(place().name)}</a></p><main><h1>${escapeHtml(title)}</h1>
${body}
</main></body></html>
`)
}
