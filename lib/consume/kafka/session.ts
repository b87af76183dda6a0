import { complain } from '../../diagnostics'
import { discard } from '../../sinks'
import type { Confirmations } from '../confirmations'
import { Lane } from '../lane'
import type { MemberSession } from '../member'
import type { SeenEvents } from '../seen-events'
import type { Tally } from '../tally'
import { committerOf, type HandledPlace } from './committer'
import { Fetcher } from './fetcher'
import { EARLIEST, type GroupClients, type KafkaGroupClient, LATEST, openGroupClients } from './group-client'
import type { KafkaConsumerSettings } from './options'
import { Partition } from './partition'
import { PartitionWatch } from './partition-watch'

/* How long a goodbye may take. */
const LEAVE_MS = 2_000

/** What outlives a session. */
export interface SessionPlace {
  readonly settings: KafkaConsumerSettings
  readonly tally: Tally
  /** Names this consumer to the group, so that a new session of it takes the place of the one before at once. */
  readonly name: string
  /** Counts sessions. */
  readonly turn: number
  /** How many partitions the topic had when this consumer saw it first. */
  readonly topicAtFirst: { partitions: number | undefined }
  seenOf(partition: number): SeenEvents
  /** These partitions are this consumer's now. */
  onPartitions(partitions: readonly number[]): void
}

/* The partitions that came with one state of the group. */
interface Holding {
  readonly partitions: readonly Partition[]
  readonly fetcher: Fetcher
  readonly committer: Confirmations<HandledPlace>
}

/**
 * One membership in the group, with clients of its own, from the join until something fails or it is closed.
 *
 *   join ──▶ assigned: committed places, lanes, fetches ──▶ the group changes: lanes come to rest, places are committed ──▶ join anew
 *                                                └── something fails: the same, then it is over
 */
export class Session implements MemberSession {
  readonly #place: SessionPlace
  readonly #over: Promise<unknown>
  #end: (reason: unknown) => void = () => {}
  #clients: GroupClients | undefined
  #watch: PartitionWatch | undefined
  #holding: Holding | undefined
  #lettingGo: Promise<void> = Promise.resolve()
  /* Counts states of the group. */
  #generation = 0
  #isOver = false

  constructor(place: SessionPlace) {
    this.#place = place
    this.#over = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  async run(): Promise<unknown> {
    let reason: unknown
    try {
      this.#clients = await openGroupClients(this.#place, () => this.#letGo())
      if (!this.#isOver) reason = await this.#take(this.#clients)
    } catch (error) {
      reason = error
    }
    this.#isOver = true
    this.#watch?.stop()
    await this.#letGo()
    await this.#leave()
    return reason
  }

  close(): void {
    this.#isOver = true
    this.#end(undefined)
  }

  async #take({ group, reader }: GroupClients): Promise<unknown> {
    await Promise.race([this.#watchPartitions(reader), this.#over])
    if (this.#isOver) return undefined
    group.on('error', (error: never) => this.#end(error))
    group.on('consumer:heartbeat:error', ({ error }: never) => this.#end(error))
    group.on('consumer:group:join', ({ assignments }: never) => {
      this.#assigned(assignments).catch((error: unknown) => this.#end(error))
    })
    group.topics.track(this.#place.settings.topic)
    const joined = group.joinGroup({}).then(
      () => this.#over,
      (error: unknown) => error,
    )
    return await Promise.race([joined, this.#over])
  }

  /* New ones are given to nobody before the group changes: whoever sees them leaves it, and joins anew. */
  async #watchPartitions(reader: KafkaGroupClient): Promise<void> {
    const { settings, topicAtFirst } = this.#place
    this.#watch = new PartitionWatch(reader, settings.topic)
    const before = await this.#watch.start(settings.sessionTimeoutMs, (now) =>
      this.#end(new Error(`the topic '${settings.topic}' has ${now} partitions, and had ${before}`)),
    )
    topicAtFirst.partitions ??= before
  }

  async #assigned(assignments: readonly { readonly topic: string; readonly partitions: readonly number[] }[]): Promise<void> {
    const generation = ++this.#generation
    const { settings } = this.#place
    const numbers = (assignments ?? []).filter(({ topic }) => topic === settings.topic).flatMap(({ partitions }) => partitions)
    const places = await this.#placesOf(numbers)
    // The group has changed again in the meantime.
    if (this.#isOver || generation !== this.#generation) return
    this.#holding = this.#hold(numbers, places)
    this.#holding.fetcher.start()
    this.#place.onPartitions(numbers)
  }

  #hold(numbers: readonly number[], places: ReadonlyMap<number, Start>): Holding {
    const { settings, tally, seenOf } = this.#place
    const { group, reader } = this.#clients as GroupClients
    const committer = committerOf(group, settings.topic, (error) => this.#end(error))
    const partitions = numbers.map((number) => {
      const seen = seenOf(number)
      const lane = new Lane<bigint>({
        ...{ queue: `${settings.topic}-${number}`, settings: settings.consume, seen, tally },
        acknowledge: (offset) => committer.add([[number, offset]]),
        onRoom: () => fetcher.wake(),
      })
      const { handledBefore, first, isNew } = places.get(number) as Start
      // So that a group that begins with the latest record does not do so again.
      if (isNew) committer.add([[number, handledBefore]])
      return new Partition(number, lane, seen, handledBefore, first)
    })
    const fetcher = new Fetcher(reader, settings, partitions, {
      onGap: (...gap) => this.#onGap(...gap),
      onFailure: (error) => this.#end(error),
    })
    return { partitions, fetcher, committer }
  }

  /* Where each partition begins: at what is committed, and the look-back before it. */
  async #placesOf(numbers: readonly number[]): Promise<ReadonlyMap<number, Start>> {
    const { topic, startAt, lookBackRecords } = this.#place.settings
    const { partitions: atFirst = 0 } = this.#place.topicAtFirst
    if (numbers.length === 0) return new Map()
    const { group, reader } = this.#clients as GroupClients
    const edgeAt = async (timestamp: bigint) => (await reader.listOffsets({ topics: [topic], timestamp })).get(topic) ?? []
    const committed = (await group.listCommittedOffsets({ topics: [{ topic, partitions: numbers }] })).get(topic)
    const [oldest, ends] = [await edgeAt(EARLIEST), await edgeAt(LATEST)]
    return new Map(
      numbers.map((number): readonly [number, Start] => {
        const [known, from, to] = [committed?.[number] ?? -1n, oldest[number] ?? 0n, ends[number] ?? 0n]
        if (known > to) this.#onGap(number, known, from)
        if (known < 0n || known > to) {
          // Of a partition that came later all is new, wherever the group began.
          const begin = known < 0n && startAt === 'latest' && number < atFirst ? to : from
          return [number, { handledBefore: begin, first: begin, isNew: true }]
        }
        const back = max(known - BigInt(lookBackRecords), from)
        return [number, { handledBefore: known, first: back < known ? back : known, isNew: false }]
      }),
    )
  }

  #onGap(partition: number, from: bigint, to: bigint): void {
    const queue = `${this.#place.settings.topic}-${partition}`
    const gone = `records ${from} to ${to - 1n} of ${queue} were deleted before they were consumed`
    const ahead = `${queue} ends before ${from}, which is where the group was: it begins again with ${to}`
    complain('consume-gap', from < to ? gone : ahead, queue)
  }

  /* Lets the calls under way come to their end, and says how far they came; not for longer than half of the time after which the group goes on anyway. */
  #letGo(): Promise<void> {
    this.#generation++
    const holding = this.#holding
    this.#holding = undefined
    // Whoever comes second waits for the same: something may fail while the group changes.
    if (holding !== undefined) this.#lettingGo = this.#rest(holding)
    return this.#lettingGo
  }

  async #rest(holding: Holding): Promise<void> {
    holding.fetcher.stop()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#place.settings.sessionTimeoutMs / 2)
    })
    const rest = Promise.all(holding.partitions.map(({ lane }) => lane.stop())).then(() => holding.committer.settled())
    await Promise.race([rest, late])
    clearTimeout(timer)
    holding.committer.close()
    this.#place.onPartitions([])
  }

  async #leave(): Promise<void> {
    if (this.#clients === undefined) return
    const { group, reader } = this.#clients
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LEAVE_MS)
    })
    // Not to be told of it costs the other members the time until this one counts as dead.
    await Promise.race([group.leaveGroup(true).catch(() => {}), late])
    clearTimeout(timer)
    await Promise.all([discard(group), discard(reader)])
  }
}

interface Start {
  readonly handledBefore: bigint
  readonly first: bigint
  readonly isNew: boolean
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
