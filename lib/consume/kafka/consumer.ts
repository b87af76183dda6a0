import { randomBytes } from 'node:crypto'
import { runOutside } from '../../context'
import { complain } from '../../diagnostics'
import { failureOf } from '../../sinks'
import type { ConsumerStats, OrderedConsumer } from '../event'
import { SeenEvents } from '../seen-events'
import { newTally } from '../tally'
import { type KafkaConsumerOptions, kafkaConsumerSettings } from './options'
import { Session } from './session'

const FIRST_PAUSE_MS = 200
const MAX_PAUSE_MS = 5_000
/* A session that held for so long was a good one. */
const GOOD_SESSION_MS = 60_000

/**
 * Takes the events that `kafkaSink` has written from a topic, each partition in order and each event once, and hands them to `handle`. It begins at once, and goes on until
 * it is closed, whatever happens to the brokers; it keeps the process alive until then.
 *
 * Throws ERR_TRACELANE_OPTION_* for wrong options, and ERR_TRACELANE_PEER_MISSING without the package `@platformatic/kafka`;
 * docs/reference/consume.md.
 */
export function createKafkaConsumer(options: KafkaConsumerOptions): OrderedConsumer {
  return new KafkaConsumer(options)
}

class KafkaConsumer implements OrderedConsumer {
  readonly #settings
  readonly #tally = newTally()
  readonly #seen = new Map<number, SeenEvents>()
  readonly #running: Promise<void>
  readonly #name = `tracelane-${randomBytes(8).toString('hex')}`
  #partitions: readonly number[] = []
  #session: Session | undefined
  #closed = false
  #endPause: (() => void) | undefined

  constructor(options: KafkaConsumerOptions) {
    this.#settings = kafkaConsumerSettings(options)
    this.#running = runOutside(() => this.#run())
  }

  stats(): ConsumerStats {
    return { ...this.#tally, queues: this.#partitions.map((partition) => `${this.#settings.topic}-${partition}`) }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#session?.close()
    this.#endPause?.()
    await this.#running
  }

  async #run(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS
    for (let turn = 0; !this.#closed; turn++) {
      const begun = performance.now()
      this.#session = this.#newSession(turn)
      const error = await this.#session.run()
      if (this.#closed) return
      const { brokers } = this.#settings.connection
      complain(
        'consume',
        `kafka ${brokers.join()} (group ${this.#settings.groupId}): ${failureOf(error, this.#settings.topic).reason}`,
      )
      if (performance.now() - begun > GOOD_SESSION_MS) pauseMs = FIRST_PAUSE_MS
      await this.#pause(pauseMs)
      pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)
    }
  }

  #newSession(turn: number): Session {
    return new Session({
      ...{ settings: this.#settings, tally: this.#tally, name: this.#name, turn },
      seenOf: (partition) => {
        const seen = this.#seen.get(partition) ?? new SeenEvents()
        this.#seen.set(partition, seen)
        return seen
      },
      onPartitions: (partitions) => {
        this.#partitions = partitions
      },
    })
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
