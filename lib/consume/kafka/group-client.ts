import { clientOptions, importClient, type KafkaClient, watchConnections } from '../../sinks'
import type { KafkaConsumerSettings } from './options'
import type { RawRecord } from './record'

/** Some records of a partition, as they are stored together. */
export interface RecordsBatch {
  readonly firstOffset: bigint
  readonly lastOffsetDelta: number
  readonly attributes: number
  readonly records: readonly (RawRecord & { readonly offsetDelta: number })[]
}

/** What stands for the time of the oldest record, and of the next one to come, where offsets are asked for. */
export const [EARLIEST, LATEST]: readonly [bigint, bigint] = [-2n, -1n]

/** What a fetch brings of one partition. */
export interface FetchedPartition {
  readonly partitionIndex: number
  readonly errorCode: number
  readonly records?: readonly RecordsBatch[]
}

/** The part of a fetch response that is used. */
export interface FetchResponse {
  readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[]
}

interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly leaderEpoch: number
}

/** What is used of the client's consumer. */
export interface KafkaGroupClient extends KafkaClient {
  readonly topics: { track(topic: string): unknown }
  on(event: string, listener: (payload: never) => void): unknown
  joinGroup(options: object): Promise<unknown>
  leaveGroup(force: boolean): Promise<unknown>
  commit(options: { readonly offsets: readonly PartitionOffset[] }): Promise<unknown>
  /** By topic, then by partition; -1 where nothing is committed. */
  listCommittedOffsets(options: object): Promise<ReadonlyMap<string, readonly (bigint | undefined)[]>>
  listOffsets(options: object): Promise<ReadonlyMap<string, readonly (bigint | undefined)[]>>
  metadata(options: object): Promise<{ readonly topics: ReadonlyMap<string, TopicMetadata | undefined> }>
  fetch(options: object): Promise<FetchResponse>
}

interface TopicMetadata {
  readonly id: string
  readonly partitions: readonly { readonly leader: number }[]
}

type GetApi = (name: string, callback: (...results: unknown[]) => void) => void

interface KafkaConsumerPackage {
  readonly Consumer: new (options: object) => KafkaGroupClient
  /** Under this symbol a client has the function by which it looks for each request that it is about to make. */
  readonly kGetApi: symbol
}

/** One client to be a member of the group, and one to fetch: a broker answers one request of a connection at a time, and a fetch waits for data. */
export interface GroupClients {
  readonly group: KafkaGroupClient
  readonly reader: KafkaGroupClient
}

const HEARTBEATS = 10

/**
 * Makes both clients; `turn` counts them, so that each pair begins with another broker. `name` is the member's, for all of its clients. `beforeJoin` is awaited each time before the member
 * joins the group anew: what it had may be another's from then on. The client itself has no place for that, and would join at once.
 */
export async function openGroupClients(
  { settings, turn, name }: { readonly settings: KafkaConsumerSettings; readonly turn: number; readonly name: string },
  beforeJoin: () => Promise<void>,
): Promise<GroupClients> {
  const { connection, groupId, sessionTimeoutMs } = settings
  const { Consumer, kGetApi } = await importClient<KafkaConsumerPackage>(connection.clientPath)
  const timeoutMs = Math.min(sessionTimeoutMs, 10_000)
  const open = (requestTimeout: number): KafkaGroupClient => {
    const client = new Consumer({
      ...clientOptions(connection, turn),
      ...{ groupId, autocommit: false, sessionTimeout: sessionTimeoutMs, rebalanceTimeout: sessionTimeoutMs * 2 },
      groupInstanceId: name,
      heartbeatInterval: Math.ceil(sessionTimeoutMs / HEARTBEATS),
      ...{ timeout: timeoutMs, requestTimeout },
      // What fails ends the session, and the next one asks anew who is where: the client would go on asking the dead.
      ...{ retries: 0, autocreateTopics: false },
    })
    watchConnections(client)
    return client
  }
  // A join waits for the other members.
  const group = open(sessionTimeoutMs * 2 + timeoutMs)
  const ask = (group as unknown as Record<symbol, GetApi>)[kGetApi]?.bind(group) as GetApi
  const gated: GetApi = (name, callback) => {
    if (name === 'JoinGroup') void beforeJoin().then(() => ask(name, callback))
    else ask(name, callback)
  }
  Object.assign(group, { [kGetApi]: gated })
  return { group, reader: open(timeoutMs) }
}
