import type { LogEvent } from '../../lib/event'
import type { Note } from '../../lib/filter'

/** An event with what a test says about it. */
export function event(said: Partial<LogEvent> = {}): LogEvent {
  const nothing = {
    traceId: undefined,
    spanId: undefined,
    hlc: '0'.repeat(16),
    mdc: {},
    fields: undefined,
    err: undefined,
    caller: undefined,
  }
  return { time: 1_763_683_905_000, level: 'info', logger: 'app', msg: 'm', ...nothing, ...said }
}

/** What is told by `say`, in order. */
export class Notes {
  readonly all: Note[] = []
  readonly say = (note: Note): void => {
    this.all.push(note)
  }

  get texts(): string[] {
    return this.all.map(({ msg }) => msg)
  }
}
