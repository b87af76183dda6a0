import { HybridClock, laterClock, rootOf, type TraceContext, type TraceRoot } from '../context'
import { counters } from '../diagnostics'
import { type Getter, type Setter, single } from './propagator'

/** The header that carries the hybrid logical clock, beside the ids of whatever format: 16 lower hex digits. */
export const CLOCK_HEADER = 'tracelane-clock'

/** Moves `root`'s clock past that of the caller: the header, or `other` (one from elsewhere in the carrier) if that is later. */
export function receiveClock<C>(root: TraceRoot, carrier: C, getter: Getter<C>, other?: string): void {
  const header = getter.get(carrier, CLOCK_HEADER)
  if (header === undefined && other === undefined) return
  const said = single(header)
  // Mostly it was said once, or the same in both places, and `receive` looks whether it is one.
  const clock = other === undefined || said === other ? said : laterClock(validClock(said), validClock(other))
  if (clock !== undefined && receive(root, clock)) root.callerSentClock = true
}

/** Moves the clock of `context`'s trace for a send, writes it, and returns it. */
export function writeClock<C>(context: TraceContext, carrier: C, setter: Setter<C>): string {
  const clock = rootOf(context).clock.send()
  setter.set(carrier, CLOCK_HEADER, clock)
  return clock
}

/** Moves `root`'s clock past the clock in a reply, if there is a usable one. */
export function receiveReplyClock(root: TraceRoot, header: string | readonly string[] | null | undefined): void {
  const clock = single(header ?? undefined)
  if (clock !== undefined) receive(root, clock)
}

function receive(root: TraceRoot, clock: string): boolean {
  const accepted = root.clock.receive(clock, Date.now())
  if (!accepted) counters.clocksRejected++
  return accepted
}

function validClock(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (HybridClock.isClock(text)) return text
  counters.clocksRejected++
  return undefined
}
