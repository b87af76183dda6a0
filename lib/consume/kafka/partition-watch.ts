import type { KafkaGroupClient } from './group-client'

/** Looks now and then how many partitions a topic has: nobody tells a group that there are more. */
export class PartitionWatch {
  readonly #reader: Pick<KafkaGroupClient, 'metadata'>
  readonly #topic: string
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(reader: Pick<KafkaGroupClient, 'metadata'>, topic: string) {
    this.#reader = reader
    this.#topic = topic
  }

  /** Resolves with how many there are; from then on `onMore` hears, each `periodMs` milliseconds, if there are more. Rejects with what the client says. */
  async start(periodMs: number, onMore: (count: number) => void): Promise<number> {
    const count = await this.#count()
    const look = async (): Promise<void> => {
      // Whoever fetches notices by himself when nobody answers.
      const now = await this.#count().catch(() => count)
      if (now > count && !this.#stopped) onMore(now)
    }
    if (!this.#stopped) this.#timer = setInterval(() => void look(), periodMs)
    return count
  }

  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
  }

  async #count(): Promise<number> {
    const { topics } = await this.#reader.metadata({ topics: [this.#topic], forceUpdate: true })
    return topics.get(this.#topic)?.partitions.length ?? 0
  }
}
