/** The baggage member that carries the opaque id of a task. */
export const TASK_MEMBER = 'tracelane-task'

const TASK = /^[A-Za-z0-9._-]{1,128}$/

/** Whether `text` can be the id of a task: it goes over the wire, into lines, and into the names of what is kept of a task. */
export function isTask(text: string): boolean {
  return TASK.test(text)
}
