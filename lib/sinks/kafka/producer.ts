import { discard, importClient, type KafkaMessage, type KafkaProducer, releaseProcess, watchConnections } from './client'
import { clientOptions, type KafkaConnection } from './connection'

/** How a producer sends. */
export interface ProducerOptions extends KafkaConnection {
  readonly compression: string
  readonly timeoutMs: number
}

/* Tries of the client on one connection, with the same sequence number, so that the broker sees what it has already. One would mean "for ever" to it. */
const CLIENT_RETRIES = 2
const CLIENT_RETRY_MS = 100
const METADATA_AGE_MS = 30_000

/**
 * Sends with one client at a time, and with a new one after each failure.
 *
 * The client counts sequence numbers, and after some failures its count is not the broker's: the broker would take the next records for ones that it has,
 * and drop them. It would also go on asking a leader that is dead. A new one gets a producer id of its own, and asks who leads.
 */
export class Producers {
  readonly #options: ProducerOptions
  #current: KafkaProducer | undefined
  #lastMetadata: KafkaProducer['currentMetadata']
  #turn = 0
  #closed = false
  readonly #leaving = new Set<Promise<void>>()

  constructor(options: ProducerOptions) {
    this.#options = options
  }

  /** Sends once; rejects with what the client says, or when `timeoutMs` are over. One call at a time. */
  async send(messages: readonly KafkaMessage[], timeoutMs: number): Promise<void> {
    let over = false
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${this.#options.timeoutMs} ms`)), timeoutMs)
      timer.unref()
    })
    try {
      const sent = this.#open().then((producer) => (over ? undefined : producer.send({ messages })))
      await Promise.race([sent, late])
    } catch (error) {
      over = true
      this.#drop()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** How many partitions `topic` had at the last failure; undefined if it was not known then. */
  partitionsOf(topic: string): number | undefined {
    return this.#lastMetadata?.topics.get(topic)?.partitionsCount
  }

  /** Gives up what is on its way and closes connections. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    this.#drop()
    await Promise.all(this.#leaving)
  }

  async #open(): Promise<KafkaProducer> {
    const { clientPath, timeoutMs, compression } = this.#options
    if (this.#current !== undefined) return this.#current
    const { Producer } = await importClient(clientPath)
    if (this.#closed) throw new Error('the sink is closed')
    const producer = new Producer({
      ...clientOptions(this.#options, this.#turn++),
      ...{ compression, idempotent: true, retries: CLIENT_RETRIES, retryDelay: CLIENT_RETRY_MS },
      ...{ timeout: timeoutMs, requestTimeout: timeoutMs, metadataMaxAge: METADATA_AGE_MS, autocreateTopics: false },
    })
    watchConnections(producer)
    releaseProcess(producer)
    this.#current = producer
    return producer
  }

  #drop(): void {
    if (this.#current === undefined) return
    this.#lastMetadata = this.#current.currentMetadata
    const left = discard(this.#current).finally(() => this.#leaving.delete(left))
    this.#leaving.add(left)
    this.#current = undefined
  }
}
