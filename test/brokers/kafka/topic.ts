import { type Admin, Kafka, logLevel } from 'kafkajs'

const TRIES = 50
const PAUSE_MS = 200

/** A record as another client than ours reads it. */
export interface ReadRecord {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

/** A topic of a test, made and read by kafkajs, which is not the client under test. */
export class Topic {
  readonly name: string
  readonly #kafka: Kafka

  private constructor(brokers: string[], name: string) {
    this.name = name
    this.#kafka = new Kafka({
      brokers,
      clientId: 'test',
      logLevel: logLevel.NOTHING,
      retry: { retries: 20, maxRetryTime: 1_000 },
    })
  }

  static async create(brokers: string[], name: string, partitions: number, config: Record<string, string> = {}): Promise<Topic> {
    const topic = new Topic(brokers, name)
    const configEntries = Object.entries(config).map(([key, value]) => ({ name: key, value }))
    await topic.#admin((admin) =>
      admin.createTopics({ waitForLeaders: true, topics: [{ topic: name, numPartitions: partitions, configEntries }] }),
    )
    return topic
  }

  /** Adds partitions, until there are so many. */
  async grow(partitions: number): Promise<void> {
    await this.#admin((admin) => admin.createPartitions({ topicPartitions: [{ topic: this.name, count: partitions }] }))
  }

  /** Deletes the records of a partition before an offset, as time does. */
  async deleteBefore(offset: number, partition = 0): Promise<void> {
    await this.#admin(async (admin) => {
      await admin.fetchTopicMetadata({ topics: [this.name] })
      await admin.deleteTopicRecords({ topic: this.name, partitions: [{ partition, offset: String(offset) }] })
    })
  }

  /** Says that a group has come to an offset, which no member of it is at. */
  async commit(groupId: string, offset: number, partition = 0): Promise<void> {
    const partitions = [{ partition, offset: String(offset) }]
    await this.#admin((admin) => admin.setOffsets({ groupId, topic: this.name, partitions }))
  }

  /** The broker that leads a partition. */
  leader(partition = 0): Promise<number> {
    return this.#admin(async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [this.name] })
      const leader = topics[0]?.partitions.find(({ partitionId }) => partitionId === partition)?.leader ?? -1
      if (leader < 0) throw new Error(`nobody leads ${this.name}-${partition}`)
      return leader
    })
  }

  /** How many records each partition has. */
  async ends(): Promise<ReadonlyMap<number, number>> {
    const offsets = await this.#admin((admin) => admin.fetchTopicOffsets(this.name))
    return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]))
  }

  /** How far a group has committed, by partition. */
  async committed(groupId: string): Promise<ReadonlyMap<number, number>> {
    const [found] = await this.#admin((admin) => admin.fetchOffsets({ groupId, topics: [this.name] }))
    return new Map((found?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]))
  }

  /** Reads all that is there now, in order within each partition. */
  records(): Promise<ReadRecord[]> {
    return persistently(() => this.#read())
  }

  async #read(): Promise<ReadRecord[]> {
    const left = new Map([...(await this.ends())].filter(([, end]) => end > 0))
    const records: ReadRecord[] = []
    if (left.size === 0) return records
    const consumer = this.#kafka.consumer({ groupId: `read-${this.name}-${process.hrtime.bigint()}`, maxWaitTimeInMs: 100 })
    try {
      await consumer.connect()
      await consumer.subscribe({ topic: this.name, fromBeginning: true })
      await new Promise<void>((resolve, reject) => {
        consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
        const eachMessage = async ({ partition, message }: EachMessage): Promise<void> => {
          const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)])
          const offset = Number(message.offset)
          const [key, value] = [String(message.key), String(message.value)]
          records.push({ partition, offset, key, value, headers: Object.fromEntries(headers) })
          if (offset + 1 >= (left.get(partition) ?? 0)) left.delete(partition)
          if (left.size === 0) resolve()
        }
        consumer.run({ eachMessage }).catch(reject)
      })
    } finally {
      await consumer.disconnect()
    }
    return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
  }

  #admin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    return persistently(() => this.#ask(work))
  }

  async #ask<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.#kafka.admin()
    await admin.connect()
    try {
      return await work(admin)
    } finally {
      await admin.disconnect()
    }
  }
}

/* Brokers that have just started answer for a while that they are not ready. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let left = TRIES; ; left--) {
    try {
      return await work()
    } catch (error) {
      // Made by the try before, whose answer got lost.
      if (/already exists/.test(String(error))) return undefined as T
      if (left === 1) throw error
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }
}

interface EachMessage {
  readonly partition: number
  readonly message: {
    readonly offset: string
    readonly key: Buffer | null
    readonly value: Buffer | null
    readonly headers?: object
  }
}
