import { currentScope, mergeFields, NO_FIELDS, newTrace, rootOf, runInScope, type Scope, scopeOf, TraceContext } from '../context'
import { captureEvent, closeTask, emit, openTask, taskEnded } from '../event'
import { checkOptions } from '../internal/options'
import { isTask, TASK_MEMBER } from './task-member'
import { runTimed } from './timed'

/** Options of `withTask`. */
export interface TaskOptions {
  /**
   * An opaque id of the task, `^[A-Za-z0-9._-]{1,128}$`. It travels in baggage to hosts on an allow-list, so let it say nothing about
   * anybody.
   */
  readonly task: string
  /** For whom the task is done: at most 256 characters. It stays in this process and its log lines. */
  readonly user?: string
}

/** The logger name of the events at the end of tasks. */
export const TASK_LOGGER = 'tracelane.task'

const MAX_USER = 256

const RULES = {
  task: (value: unknown): string | undefined =>
    typeof value === 'string' && isTask(value) ? undefined : 'an id of 1 to 128 letters, digits, dots, underscores and hyphens',
  user: (value: unknown): string | undefined =>
    typeof value === 'string' && value !== '' && value.length <= MAX_USER ? undefined : `a text of 1 to ${MAX_USER} characters`,
}

/**
 * Calls `fn` as work on a task and returns what it returns: each of its events has the fields `task` and `user`, in this process,
 * and `task` in every service that is told and has `tracelane-task` among its `baggageFields`. A new trace begins if there is none.
 *
 * When `fn` returns or throws, or the promise that it returned settles, one event of the logger `tracelane.task` says how many events of the task
 * there were in this process, from which `seq` to which; for tasks within the same task, and several at once, the last to end does. Events that come
 * later are not counted. Throws ERR_TRACELANE_OPTION_* for wrong options.
 */
export function withTask<R>(options: TaskOptions, fn: () => R): R {
  checkOptions('withTask', options, RULES, ['task'])
  const { task, user } = options
  const scope = taskScope(task, user)
  openTask(task)
  return runTimed(scope, fn, () => endTask(task, scope))
}

function taskScope(task: string, user: string | undefined): Scope {
  const around = currentScope()
  const context = around?.context ?? newTrace()
  const told = new TraceContext({ ...context, baggage: context.baggage.with(TASK_MEMBER, task) }, rootOf(context))
  return scopeOf(told, around, mergeFields(around?.mdc ?? NO_FIELDS, { task, user }))
}

function endTask(task: string, scope: Scope): void {
  const end = closeTask(task)
  if (end === undefined) return
  const msg = `task ${task} ended here with ${end.count} events, ${end.discarded} discarded`
  const event = captureEvent(scope, { level: 'info', logger: TASK_LOGGER, msg, fields: { taskEnd: end } })
  runInScope(scope, () => {
    emit(event)
    taskEnded(end)
  })
}
