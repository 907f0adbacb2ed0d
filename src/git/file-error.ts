/** The system's name of a failed file operation, such as `ENOSPC`; undefined for anything else. */
export function fileErrorCode(error: unknown): string | undefined {
  const isSystem = error instanceof Error && 'syscall' in error && 'code' in error
  return isSystem && typeof error.code === 'string' ? error.code : undefined
}

/** For `.catch`: undefined where there is no such file; anything else is thrown on. */
export function absentFile(error: unknown): undefined {
  const code = fileErrorCode(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
  throw error
}
