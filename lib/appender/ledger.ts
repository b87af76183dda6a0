import type { LossCounts } from './losses'

/**
 * The account of one sink of one appender. At every moment at which nothing is being appended,
 *
 *     entered + recovered = delivered + discarded + rejected + quarantined + filtered + spooled + inFlight + damaged
 *
 * Each term is counted where it happens: `entered` and `discarded` by the thread that logs, `delivered`, `rejected`, `quarantined` and `filtered` in shared memory by whoever
 * resolves a batch, `recovered`, `spooled` and `damaged` in that of the spool, `inFlight` by walking what lies in the queue.
 */
export interface SinkLedger {
  /** Where the sink writes to, for people. */
  readonly destination: string
  /** Events that came to this sink, the announcements of losses included. */
  readonly entered: number
  /** Events that an earlier process left in the spool. */
  readonly recovered: number
  /** Events that the destination has. */
  readonly delivered: number
  /** Events given up because the queue was full, by reason and level. */
  readonly discarded: LossCounts
  readonly discardedTotal: number
  /** Events that the destination refused for good. */
  readonly rejected: number
  /** Events that the destination refused one by one, each for what it is; the others of their batch were delivered. */
  readonly quarantined: number
  /** Events that a decorator of the sink (`filtering`, `throttling`, `routing`) left out on purpose. */
  readonly filtered: number
  /** Events that lie in the spool. */
  readonly spooled: number
  /** Events of the spool that were dropped to make room there, or cannot be read any more. */
  readonly damaged: number
  /** Events that wait: on the heap, in the ring, or half written. */
  readonly inFlight: number
  /** Writes that failed and were tried again. */
  readonly retried: number
  /** Bytes that the destination has. */
  readonly bytes: number
  /** Bytes that wait. */
  readonly queuedBytes: number
  /** The most bytes that ever waited. */
  readonly highWaterBytes: number
  /** How long the oldest batch has been waiting, in ms. */
  readonly lagMs: number
  /** How long calls have waited for room or durability, in ms, in all. */
  readonly blockedMs: number
  /** Calls that returned before their event was as safe as their `durability` says. */
  readonly durabilityMissed: number
  /** Whether a flush thread writes; if not, why not. */
  readonly thread: boolean
}

/** The account of one appender: one of each sink, in order. */
export interface AppenderLedger {
  /** Its name among `appenders` of `configure`; empty for the one of `sinks`. */
  readonly appender: string
  readonly sinks: readonly SinkLedger[]
}

const GAUGES = ['inFlight', 'spooled', 'queuedBytes', 'highWaterBytes', 'lagMs'] as const
const COUNTERS = [
  'entered',
  'recovered',
  'delivered',
  'rejected',
  'quarantined',
  'filtered',
  'damaged',
  'retried',
  'bytes',
  'blockedMs',
  'durabilityMissed',
] as const

const HELP: Readonly<Record<(typeof GAUGES)[number] | (typeof COUNTERS)[number] | 'discarded', string>> = {
  entered: 'Events that came to a sink.',
  delivered: 'Events that the destination has.',
  discarded: 'Events given up because the queue was full.',
  rejected: 'Events that the destination refused.',
  quarantined: 'Events that the destination refused one by one.',
  filtered: 'Events that a decorator of the sink left out on purpose.',
  recovered: 'Events that an earlier process left in the spool.',
  spooled: 'Events that lie in the spool.',
  damaged: 'Events of the spool that were dropped or cannot be read.',
  inFlight: 'Events that wait.',
  retried: 'Writes that failed and were tried again.',
  bytes: 'Bytes that the destination has.',
  queuedBytes: 'Bytes that wait.',
  highWaterBytes: 'The most bytes that ever waited.',
  lagMs: 'How long the oldest batch has been waiting, in milliseconds.',
  blockedMs: 'How long calls have waited, in milliseconds.',
  durabilityMissed: 'Calls that returned before their event was durable.',
}

/** Accounts in the text format of Prometheus (exposition format 0.0.4), one metric `tracelane_sink_*` for each term. */
export function prometheusText(ledgers: readonly AppenderLedger[]): string {
  const all = ledgers.flatMap(({ appender, sinks }) => sinks.map((sink) => ({ sink, labels: labelsOf(appender, sink) })))
  const metric = (term: keyof typeof HELP, type: 'counter' | 'gauge', samples: readonly string[]): string => {
    const name = nameOf(term, type)
    return [`# HELP ${name} ${HELP[term]}`, `# TYPE ${name} ${type}`, ...samples.map((sample) => name + sample), ''].join('\n')
  }
  const simple = (term: (typeof GAUGES)[number] | (typeof COUNTERS)[number]): string[] =>
    all.map(({ sink, labels }) => `{${labels}} ${sink[term]}`)
  const discarded = all.flatMap(({ sink, labels }) =>
    Object.entries(sink.discarded).flatMap(([reason, byLevel]) =>
      Object.entries(byLevel).map(([level, count]) => `{${labels},reason="${reason}",level="${level}"} ${count}`),
    ),
  )
  return [
    ...COUNTERS.map((term) => metric(term, 'counter', simple(term))),
    metric('discarded', 'counter', discarded),
    ...GAUGES.map((term) => metric(term, 'gauge', simple(term))),
  ].join('')
}

function nameOf(term: string, type: 'counter' | 'gauge'): string {
  const snake = term.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return `tracelane_sink_${snake}${type === 'counter' ? '_total' : ''}`
}

function labelsOf(appender: string, { destination }: SinkLedger): string {
  return `appender="${escaped(appender)}",destination="${escaped(destination)}"`
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))
}
