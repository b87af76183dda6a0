import { EARLIEST, type FetchResponse, type KafkaGroupClient, LATEST } from './group-client'
import type { KafkaConsumerSettings } from './options'
import type { Partition } from './partition'

const WAIT_MS = 200
const RETRY_MS = 100
/* Some failures in a row are a leader that moves; more are for a new session. */
const MAX_FAILURES = 20
const OFFSET_OUT_OF_RANGE = 1

/** What a fetcher tells. */
export interface FetcherListener {
  /** There is nothing at `from` in a partition any more, or not yet: it goes on with `to`, the oldest record that is kept. */
  onGap(partition: number, from: bigint, to: bigint): void
  /** It cannot go on. */
  onFailure(error: unknown): void
}

/**
 * Fetches what the lanes have room for: one loop for each broker that leads a partition, one request of it at a time. A partition whose lane is full is left out, and
 * the others go on.
 */
export class Fetcher {
  readonly #reader: KafkaGroupClient
  readonly #settings: KafkaConsumerSettings
  readonly #listener: FetcherListener
  readonly #partitions: readonly Partition[]
  readonly #loops = new Map<number, Promise<void>>()
  #leaders: readonly number[] = []
  #topicId = ''
  #failures = 0
  #stopped = false
  #wakers: (() => void)[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(
    reader: KafkaGroupClient,
    settings: KafkaConsumerSettings,
    partitions: readonly Partition[],
    listener: FetcherListener,
  ) {
    this.#reader = reader
    this.#settings = settings
    this.#partitions = partitions
    this.#listener = listener
  }

  /** Begins to fetch. */
  start(): void {
    void this.#findLeaders()
  }

  /** A lane has room again. */
  wake(): void {
    for (const wake of this.#wakers.splice(0)) wake()
  }

  /** Nothing is taken any more from now on. */
  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.wake()
  }

  async #findLeaders(): Promise<void> {
    const { topic } = this.#settings
    while (!this.#stopped) {
      try {
        const found = (await this.#reader.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic)
        this.#topicId = found?.id ?? ''
        this.#leaders = found?.partitions.map(({ leader }) => leader) ?? []
        break
      } catch (error) {
        if (!(await this.#survives(error))) return
      }
    }
    for (const { number } of this.#partitions) {
      const leader = this.#leaders[number]
      if (leader === undefined || leader < 0 || this.#loops.has(leader)) continue
      this.#loops.set(leader, this.#fetchFrom(leader))
    }
    if (this.#partitions.some(({ number }) => (this.#leaders[number] ?? -1) < 0)) this.#lookAgain()
  }

  /* A partition has no leader just now. */
  #lookAgain(): void {
    if (this.#stopped) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#findLeaders(), RETRY_MS * 5)
  }

  async #fetchFrom(node: number): Promise<void> {
    while (!this.#stopped && this.#partitions.some(({ number }) => this.#leaders[number] === node)) {
      const wanted = this.#partitions.filter(
        ({ number, lane, isFetching }) => this.#leaders[number] === node && lane.isHungry && !isFetching,
      )
      if (wanted.length === 0) await new Promise<void>((resolve) => this.#wakers.push(resolve))
      else await this.#fetch(node, wanted)
    }
    this.#loops.delete(node)
  }

  async #fetch(node: number, wanted: readonly Partition[]): Promise<void> {
    for (const partition of wanted) partition.isFetching = true
    try {
      const response = await this.#request(node, wanted)
      if (this.#stopped) return
      this.#failures = 0
      await this.#take(response, wanted)
    } catch (error) {
      if (!this.#stopped && (await this.#repairs(error, wanted))) return
      if (!(await this.#survives(error))) return
      await this.#findLeaders()
    } finally {
      for (const partition of wanted) partition.isFetching = false
      // A broker that leads them now may wait for this.
      this.wake()
    }
  }

  #request(node: number, wanted: readonly Partition[]): Promise<FetchResponse> {
    const { maxFetchBytes } = this.#settings
    const partitions = wanted.map(({ number, next }) => ({
      ...{ partition: number, fetchOffset: next, partitionMaxBytes: maxFetchBytes },
      ...{ currentLeaderEpoch: -1, lastFetchedEpoch: -1 },
    }))
    const topics = [{ topicId: this.#topicId, partitions }]
    return this.#reader.fetch({ node, topics, minBytes: 1, maxBytes: maxFetchBytes * wanted.length, maxWaitTime: WAIT_MS })
  }

  /* Takes what a failed fetch has brought all the same; whether nothing else was wrong. */
  async #repairs(error: unknown, wanted: readonly Partition[]): Promise<boolean> {
    const { response } = findResponse(error)
    if (response === undefined) return false
    return await this.#take(response, wanted).catch(() => false)
  }

  /* Whether all that was wrong in it is repaired. */
  async #take(response: FetchResponse, wanted: readonly Partition[]): Promise<boolean> {
    let repaired = true
    const lost: Partition[] = []
    for (const fetched of response.responses.flatMap(({ partitions }) => partitions)) {
      const partition = wanted.find(({ number }) => number === fetched.partitionIndex)
      if (partition === undefined) continue
      if (fetched.errorCode === 0) partition.take(fetched)
      else if (fetched.errorCode === OFFSET_OUT_OF_RANGE) lost.push(partition)
      else repaired = false
    }
    return (lost.length === 0 || (await this.#replace(lost))) && repaired
  }

  /* A broker that says that an offset is out of range does not say what is in it. Whether all have a place again. */
  async #replace(lost: readonly Partition[]): Promise<boolean> {
    const { topic } = this.#settings
    const edge = async (timestamp: bigint): Promise<readonly (bigint | undefined)[]> =>
      (await this.#reader.listOffsets({ topics: [topic], timestamp })).get(topic) ?? []
    const [oldest, ends] = [await edge(EARLIEST), await edge(LATEST)]
    let replaced = true
    for (const partition of lost) {
      const { number, next } = partition
      const [from, to] = [oldest[number], ends[number]]
      if (this.#stopped || from === undefined || to === undefined || (next >= from && next <= to)) replaced = false
      else {
        this.#listener.onGap(number, next, from)
        partition.jump(from)
      }
    }
    return replaced
  }

  async #survives(error: unknown): Promise<boolean> {
    if (this.#stopped) return false
    // After a time-out the client can use the connection no more.
    if (++this.#failures > MAX_FAILURES || isTimeOut(error)) {
      this.#stopped = true
      this.#listener.onFailure(error)
      return false
    }
    await new Promise<void>((resolve) => setTimeout(resolve, RETRY_MS))
    return !this.#stopped
  }
}

function isTimeOut(error: unknown): boolean {
  const { message = '', errors = [] } = (error ?? {}) as { readonly message?: string; readonly errors?: readonly unknown[] }
  return message.includes('timed out') || errors.some(isTimeOut)
}

/* What a failed fetch has brought all the same. */
function findResponse(error: unknown): { readonly response?: FetchResponse } {
  const found = error as { readonly response?: FetchResponse; readonly errors?: readonly unknown[] } | undefined
  if (found?.response?.responses !== undefined) return found
  return found?.errors?.map(findResponse).find(({ response }) => response !== undefined) ?? {}
}
