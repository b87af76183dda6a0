import { pathToFileURL } from 'node:url'
import { findPeerFile } from '../peer-file'

const PACKAGE = '@platformatic/kafka'

/** What is used of the client's connections. */
interface Connection {
  readonly socket?: { unref(): void; destroy(): void }
  on(event: 'error', listener: () => void): unknown
}

/** What all clients of the package have. */
export interface KafkaClient {
  /** By address. */
  readonly connections: Iterable<readonly [string, Connection]> & {
    on(event: 'connecting' | 'connect', listener: (payload: { readonly connection: Connection }) => void): unknown
  }
  close(force: boolean): Promise<void>
}

/** A record as the producer takes it; `partition` is taken modulo the count of partitions. */
export interface KafkaMessage {
  readonly topic: string
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly headers: ReadonlyMap<Uint8Array, Uint8Array>
  readonly partition: number
}

/** What is used of the client's producer. */
export interface KafkaProducer extends KafkaClient {
  readonly currentMetadata: { readonly topics: ReadonlyMap<string, { readonly partitionsCount: number }> } | undefined
  send(options: { readonly messages: readonly KafkaMessage[] }): Promise<unknown>
}

/** What is used of the package. */
export interface KafkaPackage {
  readonly Producer: new (options: object) => KafkaProducer
}

/** The file of the client; see `findPeerFile`. */
export function findClient(): string {
  return findPeerFile(PACKAGE, `${PACKAGE}${onNode20()}`)
}

/** Loads the client, an ES module, from its file. */
export async function importClient<T = KafkaPackage>(file: string): Promise<T> {
  return (await import(pathToFileURL(file).href)) as T
}

/** Has no error of a connection end the process, as one that nobody listens for would. */
export function watchConnections(client: KafkaClient): void {
  client.connections.on('connecting', ({ connection }) => connection.on('error', () => {}))
}

/** Has connections not keep the process alive. */
export function releaseProcess(client: KafkaClient): void {
  client.connections.on('connect', ({ connection }) => connection.socket?.unref())
}

/**
 * Closes `client` whatever it is doing. Its own `close` waits until what it has written was taken, which a broker that hangs never does; so the
 * sockets are destroyed.
 */
export async function discard(client: KafkaClient): Promise<void> {
  const connections = [...client.connections]
  const closed = client.close(true).catch(() => {})
  for (const [, connection] of connections) connection.socket?.destroy()
  await closed
}

/* Its second major needs Node 22, and says so only when it runs. */
function onNode20(): string {
  return Number.parseInt(process.versions.node, 10) < 22 ? '@1' : ''
}
