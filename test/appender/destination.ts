import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { fileSink } from 'tracelane'
import { AsyncAppender, type AsyncAppenderOptions, type SinkLedger } from '../../lib/appender'
import { captureEvent, type Level, nextSequence } from '../../lib/event'
import type { FileSinkSpec } from '../../lib/sinks'
import { tempFolder } from '../support'

/** A line of the JSON layout, as far as these tests look at it. */
export interface Line {
  readonly level: string
  readonly logger: string
  readonly msg: string
  readonly traceId?: string
  readonly instance: string
  readonly seq: number
  readonly i?: number
  readonly truncatedBytes?: number
  readonly discarded?: Readonly<Record<string, number>>
  readonly reasons?: Readonly<Record<string, number>>
  readonly firstSeq?: number
  readonly lastSeq?: number
}

/** A file that is there or, as long as there is a folder under its path, not. */
export class Destination {
  readonly path = join(tempFolder(), 'out.log')

  constructor(isThere = true) {
    if (!isThere) this.takeAway()
  }

  /** What was written before goes too. */
  takeAway(): void {
    rmSync(this.path, { recursive: true, force: true })
    mkdirSync(this.path)
  }

  giveBack(): void {
    rmSync(this.path, { recursive: true, force: true })
  }

  get sink(): FileSinkSpec {
    return fileSink({ path: this.path })
  }

  /** All lines; each must be whole. */
  lines(): Line[] {
    return linesIn(readFileSync(this.path, 'utf8'))
  }
}

/** The lines of a text; each must be whole. */
export function linesIn(text: string): Line[] {
  const lines = text.split('\n')
  expect(lines.pop(), 'the last line is whole').to.equal('')
  return lines.map((line) => JSON.parse(line) as Line)
}

/** An appender and what it was given, for one sink. */
export class Subject {
  readonly appender: AsyncAppender
  /** The `seq` of each event that was appended, in order. */
  readonly appended: number[] = []

  constructor({ sink }: { readonly sink: FileSinkSpec }, options?: AsyncAppenderOptions) {
    // A thread may take its time to start on a busy machine.
    this.appender = new AsyncAppender([sink], { service: undefined }, { maxFlushTimeMs: 20_000, ...options })
  }

  /** Appends one event. */
  append(msg: string, level: Level = 'info', fields?: Readonly<Record<string, unknown>>): void {
    const seq = nextSequence()
    this.appended.push(seq)
    this.appender.append(captureEvent(undefined, { level, logger: 'x', msg, fields }), seq)
  }

  get ledger(): SinkLedger {
    return this.appender.ledger()[0] as SinkLedger
  }

  /** How many of the events that were appended are neither discarded nor an announcement. */
  get taken(): number {
    return this.appended.length - this.ledger.discardedTotal
  }
}

/** The sum of the terms that an event may end in. */
export function accountedFor({
  delivered,
  discardedTotal,
  rejected,
  quarantined,
  filtered,
  spooled,
  inFlight,
}: SinkLedger): number {
  return delivered + discardedTotal + rejected + quarantined + filtered + spooled + inFlight
}
