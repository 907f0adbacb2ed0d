/**
 * Whether a resource version is newer than another. They are decimal numbers of any length; versions of another form
 * (which only an aggregated API server gives) count as newer whenever they differ, as there is no order in them.
 */
export function isNewer(version: string | undefined, than: string | undefined): boolean {
  if (version === undefined || than === undefined) return true
  if (!isDecimal(version) || !isDecimal(than)) return version !== than
  return version.length === than.length ? version > than : version.length > than.length
}

function isDecimal(version: string): boolean {
  return /^(0|[1-9][0-9]*)$/.test(version)
}
