import type { Deadline } from '@grpc/grpc-js'
import { currentScope, type Scope } from '../../lib/context'

/*
 * How long the calls may last that a served call makes. The root of its trace in this process leads to the limit, and nothing leads from
 * the limit to the served call: whatever outlives the call keeps a number and a flag of it alive. A `WeakMap` from one to the other would
 * cost the garbage collector more than the call costs us.
 */

/** The limit of one served call for the calls that it makes. */
export class CallLimit {
  /** Milliseconds since the epoch; infinite for a call without a deadline. */
  readonly deadline: number
  #isCancelled = false
  #cancels: Set<() => void> | undefined

  constructor(deadline: Deadline) {
    this.deadline = Number(deadline)
  }

  /** Calls `cancel` when the served call is cancelled, at once if it has been; the returned function takes that back. */
  onCancel(cancel: () => void): () => void {
    if (this.#isCancelled) cancel()
    else {
      this.#cancels ??= new Set()
      this.#cancels.add(cancel)
    }
    return () => this.#cancels?.delete(cancel)
  }

  /** Cancels the calls that are under way, and those that are still made. */
  cancel(): void {
    this.#isCancelled = true
    const cancels = this.#cancels ?? []
    this.#cancels = undefined
    for (const cancel of cancels) cancel()
  }
}

/** Makes `limit` that of all that runs in `scope`'s trace here. */
export function setLimit({ root }: Scope, limit: CallLimit): void {
  root.callLimit = limit
}

/** Frees what `scope`'s trace does from now on. */
export function liftLimit({ root }: Scope): void {
  root.callLimit = undefined
}

/** The limit of the call that this flow serves; undefined if it serves none. */
export function currentLimit(): CallLimit | undefined {
  return currentScope()?.root.callLimit as CallLimit | undefined
}

/** The earlier of two deadlines. */
export function earlierDeadline(own: Deadline | undefined, limit: CallLimit | undefined): Deadline | undefined {
  if (limit === undefined || limit.deadline === Number.POSITIVE_INFINITY) return own
  return own === undefined || Number(own) > limit.deadline ? limit.deadline : own
}
