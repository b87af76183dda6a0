import { randomUUID } from 'node:crypto'
import { Refusal } from '../../sinks'
import { Confirmations } from '../confirmations'
import type { MemberSession } from '../member'
import type { SeenEvents } from '../seen-events'
import type { Tally } from '../tally'
import { type HeldMessage, HeldQueue } from './held-queue'
import type { RocketmqConsumerSettings } from './options'
import { ConsumerProxy } from './proxy'
import type { Receipt, ReceivedMessage } from './wire'

/* As short as a proxy allows: who is gone gets what comes in the meantime, and keeps it from others. */
const LONG_POLL_MS = 5_000
const BEAT_MS = 5_000
/* A proxy may say at once that there is nothing. */
const EMPTY_PAUSE_MS = 100
const TOPIC_NOT_FOUND = 40_402
/* In one request. */
const MAX_ACKNOWLEDGED = 128
/* How long a goodbye may take. */
const LEAVE_MS = 2_000
/* Messages are kept for longer so often within their time. */
const KEEPS = 4

/** What outlives a session. */
export interface SessionPlace {
  readonly settings: RocketmqConsumerSettings
  readonly tally: Tally
  /** Counts sessions. */
  readonly turn: number
  /** The brokers that the last answer named. */
  readonly brokers: Set<string>
  /** By broker: the name of the request whose answer is not there yet. */
  readonly attempts: Map<string, string>
  seenOf(queue: string): SeenEvents
}

/**
 * One connection to a proxy, from its introduction until something fails or it is closed.
 *
 *   introduce ──▶ brokers ──▶ for each: receive ──▶ lanes of queues ──▶ acknowledge ──▶ receive ...
 *        │                       meanwhile: sign of life, keep what is not handled yet
 *        └── something fails: calls come to rest, what they have done is acknowledged, the rest is given back ──▶ over
 */
export class Session implements MemberSession {
  readonly #place: SessionPlace
  readonly #over: Promise<unknown>
  readonly #proxy: ConsumerProxy
  readonly #confirmations: Confirmations<Receipt>
  readonly #queues = new Map<string, HeldQueue>()
  readonly #brokers = new Set<string>()
  readonly #timers: NodeJS.Timeout[] = []
  readonly #receiving: Promise<void>[] = []
  #end: (reason: unknown) => void = () => {}
  #isOver = false

  constructor(place: SessionPlace) {
    this.#place = place
    this.#over = new Promise((resolve) => {
      this.#end = resolve
    })
    this.#proxy = new ConsumerProxy(place.settings, place.turn)
    this.#confirmations = new Confirmations(
      (handled) => this.#proxy.acknowledge(handled.splice(0, MAX_ACKNOWLEDGED)),
      (error) => this.#end(error),
    )
  }

  /** The queues of which it has something. */
  get queues(): string[] {
    return [...this.#queues.values()].filter(({ held }) => held.length > 0).map(({ name }) => name)
  }

  async run(): Promise<unknown> {
    const failed = this.#begin().then(
      () => this.#over,
      (error: unknown) => error,
    )
    const reason = await Promise.race([failed, this.#over])
    this.#isOver = true
    await this.#rest(reason !== undefined)
    for (const timer of this.#timers) clearInterval(timer)
    await this.#leave()
    return reason
  }

  close(): void {
    this.#isOver = true
    this.#end(undefined)
  }

  async #begin(): Promise<void> {
    const { groupId, invisibleMs } = this.#place.settings
    const isFifo = await this.#proxy.introduce((error) => this.#end(error))
    // It would give several messages of a trace to several consumers at once.
    if (!isFifo) throw new Error(`the group '${groupId}' is not of type FIFO`)
    await this.#look()
    if (this.#isOver) return
    const orEnd = (work: () => Promise<unknown>) => () => void work().catch((error: unknown) => this.#end(error))
    this.#timers.push(
      setInterval(
        orEnd(() => Promise.all([this.#proxy.beat(), this.#look()])),
        BEAT_MS,
      ),
      setInterval(
        orEnd(() => this.#keep()),
        invisibleMs / KEEPS,
      ),
    )
  }

  /* Brokers may come later. For a while after a broker has come back nobody says that it has the topic, but it gives what it has. */
  async #look(): Promise<void> {
    const { brokers } = this.#place
    try {
      const found = await this.#proxy.brokers()
      brokers.clear()
      for (const broker of found) brokers.add(broker)
    } catch (error) {
      const isForgotten = error instanceof Refusal && error.status.code === TOPIC_NOT_FOUND
      if (!isForgotten || brokers.size === 0) throw error
    }
    for (const broker of brokers) {
      if (this.#isOver || this.#brokers.has(broker)) continue
      this.#brokers.add(broker)
      this.#receiving.push(this.#receiveFrom(broker).catch((error: unknown) => this.#end(error)))
    }
  }

  async #receiveFrom(broker: string): Promise<void> {
    const { settings, attempts } = this.#place
    const { receiveMessages: count, invisibleMs } = settings
    while (!this.#isOver) {
      const attempt = attempts.get(broker) ?? randomUUID()
      attempts.set(broker, attempt)
      const messages = await this.#proxy.receive({ broker, count, invisibleMs, longPollMs: LONG_POLL_MS, attempt })
      attempts.delete(broker)
      for (const message of messages) this.#queueOf(broker, message).take(message, performance.now())
      if (messages.length === 0) await new Promise((resolve) => setTimeout(resolve, EMPTY_PAUSE_MS))
    }
  }

  #queueOf(broker: string, { queue: number }: ReceivedMessage): HeldQueue {
    const { settings, tally, seenOf } = this.#place
    const name = `${settings.topic}-${broker}-${number}`
    const known = this.#queues.get(name)
    if (known !== undefined) return known
    const queue = new HeldQueue({
      ...{ name, settings: settings.consume, seen: seenOf(name), tally },
      onHandled: (messages) => this.#confirmations.add(messages),
    })
    this.#queues.set(name, queue)
    return queue
  }

  /* What is with the handler for long stays ours. */
  async #keep(): Promise<void> {
    const { invisibleMs } = this.#place.settings
    const now = performance.now()
    const old = this.#held().filter(({ keptAt }) => now - keptAt > invisibleMs / KEEPS / 2)
    await Promise.all(
      old.map(async (message) => {
        try {
          message.handle = await this.#proxy.keep(message, invisibleMs)
          message.keptAt = now
        } catch (error) {
          // It may have been acknowledged in the meantime.
          if (this.#held().includes(message)) throw error
        }
      }),
    )
  }

  #held(): HeldMessage[] {
    return [...this.#queues.values()].flatMap(({ held }) => held)
  }

  /*
   * Calls under way come to their end, and what they did is acknowledged. If the proxy is lost, others get their messages anyway after a while. If it is not, a
   * request that is given up may still take messages, which nobody would get until their time is over: it is waited for.
   */
  async #rest(isLost: boolean): Promise<void> {
    const stopped = [...this.#queues.values()].map(({ lane }) => lane.stop())
    const rest = Promise.all(stopped).then(() => this.#confirmations.settled())
    if (isLost) {
      this.#proxy.stopReceiving()
      await within(rest, this.#place.settings.invisibleMs / 2)
    } else await Promise.all([rest, ...this.#receiving])
    this.#confirmations.close()
  }

  async #leave(): Promise<void> {
    const givenBack = this.#held().map((message) => this.#proxy.keep(message, 0).catch(() => {}))
    const left = Promise.all(givenBack).then(() => this.#proxy.leave().catch(() => {}))
    await within(left, LEAVE_MS)
    this.#proxy.close()
  }
}

async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}
