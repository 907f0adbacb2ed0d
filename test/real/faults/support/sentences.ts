/** What is recorded of a release by steps of 20 to 60 that goes well, each sentence once and in this order. `name` is `app.namespace`. */
export function wholeRollout(name: string): readonly string[] {
  const primary = name.replace('.', '-primary.')
  return [
    `New revision detected! Scaling up ${name}`,
    `Advance ${name} canary weight 20`,
    `Advance ${name} canary weight 40`,
    `Advance ${name} canary weight 60`,
    'Canary analysis completed, starting primary rolling update.',
    `Copying ${name} template spec to ${primary}`,
    'Routing all traffic to primary',
    `Promotion completed! Scaling down ${name}`,
  ]
}

/**
 * Without what is no step of the release: a recorded weight that could not be brought about at once, which takes a commit
 * each time, and routes that were made anew with what they belong to.
 */
export function stepsOf(subjects: readonly string[]): readonly string[] {
  return subjects.filter((subject) => !/^(Restoring|Update routes of) /.test(subject))
}
