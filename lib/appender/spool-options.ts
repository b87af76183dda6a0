import { checkOptions, type Rule, rules } from '../internal/options'

/** Where the events go for which a queue has no room, and what a process could not deliver. */
export interface SpoolOptions {
  /**
   * A folder; each sink of each process has a folder of its own in it. What a process leaves there is delivered by the next one that logs to the same
   * destination.
   */
  readonly directory: string
  /**
   * What the spool of one sink may take, in bytes from 4 KiB to 1 TiB.
   * @default 256 MiB
   */
  readonly maxBytes?: number
  /**
   * What happens when it is full: new events are discarded, or the oldest ones are, a segment (8 MiB or a quarter of `maxBytes`) at a time.
   * @default 'refuse'
   */
  readonly whenFull?: 'refuse' | 'drop-oldest'
}

const SPOOL = {
  directory: rules.string,
  maxBytes: rules.integer(4096, 2 ** 40),
  whenFull: rules.oneOf('refuse', 'drop-oldest'),
} as const

/** Throws ERR_TRACELANE_OPTION_* for wrong options. */
export function checkSpool(owner: string, options: SpoolOptions): void {
  checkOptions(`${owner}: spool`, options, SPOOL, ['directory'])
}

export const spoolRule: Rule = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'an object of options with a `directory`'
