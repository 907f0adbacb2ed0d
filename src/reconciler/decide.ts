import { advance } from '../rollout/advance.ts'
import type { RolloutInput } from '../rollout/input.ts'
import type { Answer, Outcome, Question } from '../rollout/transition.ts'

/** Runs a decision: asks the world what the core wants to know until it has an outcome. */
export async function decide(input: RolloutInput, ask: (question: Question) => Promise<Answer>): Promise<Outcome> {
  const deciding = advance(input)
  let step = deciding.next()
  while (step.done !== true) step = deciding.next(await ask(step.value))
  return step.value
}
