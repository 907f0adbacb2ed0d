import { z } from 'zod'
import { Problem } from '../lib/problem.ts'

const Id = z.union([z.number().int(), z.bigint()])
const User = z.object({ login: z.string(), type: z.string().optional() }).nullable()

/** What we read of a GitHub issue comment. Ids beyond 2^53 arrive as bigint and leave as text. */
export const Comment = z.object({
  id: Id.transform(String),
  body: z.string().nullish(),
  html_url: z.string(),
  user: User,
})
export type Comment = z.infer<typeof Comment>

/** What we read of a GitHub pull request, in a list or alone. */
export const Pull = z.object({
  number: z.number().int(),
  html_url: z.string(),
  title: z.string(),
  user: User,
  state: z.enum(['open', 'closed']),
  merged_at: z.string().nullish(),
  merge_commit_sha: z.string().nullish(),
  base: z.object({ ref: z.string() }),
})
export type Pull = z.infer<typeof Pull>

/** The user that a token acts as. */
export const Viewer = z.object({ login: z.string() })

/** An answer's data in the shape we need, or a Problem that names what is off. */
export function readAnswer<T>(schema: z.ZodType<T>, data: unknown, what: string, place: string): T {
  const result = schema.safeParse(data)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = issue === undefined || issue.path.length === 0 ? 'the answer' : issue.path.join('.')
  throw new Problem({
    kind: 'retry',
    code: 'FORGE_BAD_ANSWER',
    message: `the forge's answer for ${what} does not have the expected shape: ${path}: ${issue?.message ?? 'not valid'}`,
    place,
    hint: 'check that forge.url names the API of a GitHub server, not its web page or a proxy',
  })
}
