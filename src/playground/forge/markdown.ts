const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as HTML that shows exactly that text. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
}

/**
 * The part of GitHub flavoured Markdown that the project's comments use, as HTML: headings, paragraphs, lists, tables,
 * bold, code, links to http(s), `details`, `summary` and `sub`, HTML comments (dropped). Everything else is shown as
 * text; no other tag, attribute or scheme ever comes out.
 */
export function renderMarkdown(markdown: string): string {
  const blocks: string[] = []
  const lines = markdown.replaceAll('\r\n', '\n').split('\n')
  let index = 0
  while (index < lines.length) {
    const taken = renderBlock(lines, index)
    if (taken.html !== '') blocks.push(taken.html)
    index = taken.next
  }
  return blocks.join('\n')
}

interface Taken {
  readonly html: string
  readonly next: number
}

function renderBlock(lines: readonly string[], index: number): Taken {
  const line = lines[index] ?? ''
  const next = index + 1
  if (line.trim() === '' || /^<!--.*-->$/.test(line.trim())) return { html: '', next }
  const summary = /^<details( open)?><summary>([^<>]*)<\/summary>$/.exec(line)
  if (summary) return { html: `<details${summary[1] ?? ''}><summary>${inline(summary[2] ?? '')}</summary>`, next }
  if (line === '</details>') return { html: line, next }
  const heading = /^(#{1,6}) (.+)$/.exec(line)
  if (heading) {
    const level = heading[1]?.length ?? 1
    return { html: `<h${level}>${inline(heading[2] ?? '')}</h${level}>`, next }
  }
  if (line.startsWith('|') && /^\|(?: *:?-+:? *\|)+$/.test(lines[next] ?? '')) return renderTable(lines, index)
  if (/^[-*] /.test(line)) return renderList(lines, index)
  return renderParagraph(lines, index)
}

function renderTable(lines: readonly string[], index: number): Taken {
  const align = cells(lines[index + 1] ?? '').map((cell) => (cell.endsWith(':') ? ' class="right"' : ''))
  const head = cells(lines[index] ?? '').map((cell, column) => `<th${align[column] ?? ''}>${inline(cell)}</th>`)
  const rows: string[] = []
  let next = index + 2
  while (lines[next]?.startsWith('|')) {
    const row = cells(lines[next] ?? '').map((cell, column) => `<td${align[column] ?? ''}>${inline(cell)}</td>`)
    rows.push(`<tr>${row.join('')}</tr>`)
    next += 1
  }
  return { html: `<table><thead><tr>${head.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`, next }
}

function cells(line: string): string[] {
  return line
    .replace(/^\||\|\s*$/g, '')
    .split('|')
    .map((cell) => cell.trim())
}

function renderList(lines: readonly string[], index: number): Taken {
  const items: string[] = []
  let next = index
  for (; /^[-*] /.test(lines[next] ?? ''); next++) items.push(`<li>${inline((lines[next] ?? '').slice(2))}</li>`)
  return { html: `<ul>${items.join('')}</ul>`, next }
}

function renderParagraph(lines: readonly string[], index: number): Taken {
  const text: string[] = []
  let next = index
  for (; (lines[next] ?? '').trim() !== '' && !/^(?:#|\||<details|<\/details)/.test(lines[next] ?? ''); next++) {
    text.push(lines[next] ?? '')
  }
  if (next === index) return { html: `<p>${inline(lines[index] ?? '')}</p>`, next: index + 1 }
  return { html: `<p>${text.map(inline).join('<br>')}</p>`, next }
}

const INLINE =
  /`(?<code>[^`]+)`|\*\*(?<bold>[^*]+)\*\*|\[(?<label>[^\][]*)\]\((?<url>[^()\s]+)\)|<sub>(?<sub>[^<>]*)<\/sub>|(?<entity>&(?:amp|lt|gt|quot|#\d{1,6});)/g

function inline(text: string): string {
  let html = ''
  let from = 0
  for (const found of text.matchAll(INLINE)) {
    html += escapeHtml(text.slice(from, found.index)) + span(found)
    from = found.index + found[0].length
  }
  return html + escapeHtml(text.slice(from))
}

function span(found: RegExpExecArray): string {
  const { code, bold, label, url, sub, entity } = found.groups ?? {}
  if (code !== undefined) return `<code>${escapeHtml(code)}</code>`
  if (bold !== undefined) return `<strong>${inline(bold)}</strong>`
  if (sub !== undefined) return `<sub>${inline(sub)}</sub>`
  if (entity !== undefined) return entity
  if (url === undefined || !/^https?:\/\//.test(url)) return escapeHtml(found[0])
  return `<a href="${escapeHtml(url)}" rel="nofollow noopener">${inline(label ?? '')}</a>`
}
