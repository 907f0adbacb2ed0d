const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\\': '&#92;',
  '`': '&#96;',
  '*': '&#42;',
  _: '&#95;',
  '[': '&#91;',
  ']': '&#93;',
  '|': '&#124;',
  '~': '&#126;',
  $: '&#36;',
}

/** Markup, and what a zero-width space must follow so that no mention, reference or link comes of it. */
const SPECIAL = /[&<>\\`*_[\]|~$]|@|#(?=\w)|GH-(?=\d)|:(?=\/\/)|www(?=\.)|mailto:|xmpp:|!(?=\d)/gi

/** Control characters, line and paragraph separators, and the marks that reorder or hide text. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu

/**
 * Text from outside as one line of GitHub flavoured Markdown that shows exactly that text: no markup, no HTML, no
 * mention, no reference, no link, no table cell border. Longer text than `limit` UTF-16 units is cut and ends in an
 * ellipsis. At the start of a line it begins no list, heading or underline either.
 *
 * Entities are used, not backslashes, because CommonMark (section 2.5) never reads structure out of an entity, and a
 * forge's own filters for `@` and `#` run after entities are decoded, so those get a zero-width space.
 */
export function escapeText(text: string, limit: number): string {
  return shorten(oneLine(text), limit)
    .replace(SPECIAL, (found) => ENTITIES[found] ?? `${found}&#8203;`)
    .replace(/^(\d*)([-+=#.)])/, (_all, digits: string, mark: string) => `${digits}&#${mark.charCodeAt(0)};`)
}

function oneLine(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, '\uFFFD')
    .replace(INVISIBLE, ' ')
    .replace(/[^\S\u00a0]+/g, ' ')
    .trim()
}

function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text
  return `${text.slice(0, limit - 1).replace(/[\uD800-\uDBFF]$/, '')}…`
}
