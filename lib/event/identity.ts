import { newSpanId } from '../context'
import { processWide } from '../internal/runtime'

/**
 * Names this start of this isolate: 64 random bits as 16 lower hex digits, because pids repeat in containers.
 *
 * A function, because the first random bytes load node:crypto, which takes longer than the rest of the kit.
 */
export function instance(): string {
  return processWide('instance.1', newSpanId)
}

const sequence = processWide('sequence.1', () => ({ next: 1 }))

/** The next number in the dense sequence of this isolate's events; with `instance` it names an event for ever. */
export function nextSequence(): number {
  return sequence.next++
}
