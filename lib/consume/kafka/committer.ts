import type { KafkaGroupClient } from './group-client'

/** Tells the brokers how far each partition is handled: the newest place of each, one request after the other. */
export class Committer {
  readonly #group: Pick<KafkaGroupClient, 'commit'>
  readonly #topic: string
  readonly #onFailure: (error: unknown) => void
  #waiting = new Map<number, bigint>()
  #running: Promise<void> | undefined
  #closed = false

  constructor(group: Pick<KafkaGroupClient, 'commit'>, topic: string, onFailure: (error: unknown) => void) {
    this.#group = group
    this.#topic = topic
    this.#onFailure = onFailure
  }

  /** All of `partition` before `offset` is handled. */
  acknowledge(partition: number, offset: bigint): void {
    if (this.#closed) return
    this.#waiting.set(partition, offset)
    this.#running ??= this.#run()
  }

  /** What is acknowledged from now on is somebody else's. */
  close(): void {
    this.#closed = true
  }

  /** Resolves when the brokers know all that was acknowledged, or cannot be told. */
  async settled(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    await null
    while (this.#waiting.size > 0 && !this.#closed) {
      const offsets = [...this.#waiting].map(([partition, offset]) => ({
        topic: this.#topic,
        partition,
        offset,
        leaderEpoch: -1,
      }))
      this.#waiting = new Map()
      try {
        await this.#group.commit({ offsets })
      } catch (error) {
        this.#closed = true
        this.#onFailure(error)
      }
    }
    this.#running = undefined
  }
}
