import type { LogEvent } from '../../event'
import type { WordNode } from './parse-pattern'

/** What an event has at one place of the pattern. */
export type Convert = (event: LogEvent, seq: number) => string

/** What conversion words need beside the event. */
export interface Surroundings {
  readonly service: string | undefined
  readonly host: string
  /** The name of this thread: `main`, or `worker-` and its number. */
  readonly thread: string
  /** When the process started: milliseconds since the epoch. */
  readonly startedAt: number
  /** Whether events say where in the source they were logged. */
  readonly caller: boolean
  readonly properties: Readonly<Record<string, string>>
  /** The zone of `%d` without one; undefined: the process's own. */
  readonly timezone: string | undefined
  readonly colors: boolean
  /** What every text that does not come from the pattern goes through. */
  readonly show: (text: string) => string
}

/** Makes the converter of one word; throws ERR_TRACELANE_OPTION_INVALID for wrong options. */
export type ConverterMaker = (node: WordNode, surroundings: Surroundings) => Convert
