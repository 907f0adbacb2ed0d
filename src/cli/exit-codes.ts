/** What an exit status says. */
export const exitCodes = {
  /** Done, and the answer is yes. */
  done: 0,
  /** Done, and the answer is no. */
  no: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
  /** Something outside failed: a server, a file. */
  outside: 3,
} as const
