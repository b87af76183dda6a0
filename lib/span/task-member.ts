/** The baggage member that carries the opaque id of a task. */
export const TASK_MEMBER = 'tracelane-task'
