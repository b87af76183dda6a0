import { randomBytes } from 'node:crypto'
import { failureOf } from '../../sinks'
import type { OrderedConsumer } from '../event'
import { Member } from '../member'
import { SeenEvents } from '../seen-events'
import { newTally } from '../tally'
import { type KafkaConsumerOptions, kafkaConsumerSettings } from './options'
import { Session } from './session'

/**
 * Takes the events that `kafkaSink` has written from a topic, each partition in order and each event once, and hands them to `handle`. It begins at once, and goes on until
 * it is closed, whatever happens to the brokers; it keeps the process alive until then.
 *
 * Throws ERR_TRACELANE_OPTION_* for wrong options, and ERR_TRACELANE_PEER_MISSING without the package `@platformatic/kafka`;
 * docs/reference/consume.md.
 */
export function createKafkaConsumer(options: KafkaConsumerOptions): OrderedConsumer {
  const settings = kafkaConsumerSettings(options)
  const { topic, groupId, connection } = settings
  const tally = newTally()
  const seen = new Map<number, SeenEvents>()
  const name = `tracelane-${randomBytes(8).toString('hex')}`
  const topicAtFirst = { partitions: undefined }
  let partitions: readonly number[] = []
  const seenOf = (partition: number): SeenEvents => {
    const known = seen.get(partition) ?? new SeenEvents()
    seen.set(partition, known)
    return known
  }
  const onPartitions = (now: readonly number[]): void => {
    partitions = now
  }
  return new Member({
    newSession: (turn) => new Session({ settings, tally, name, turn, topicAtFirst, seenOf, onPartitions }),
    name: `kafka ${connection.brokers.join()} (group ${groupId})`,
    describe: (error) => failureOf(error, topic).reason,
    stats: () => ({ ...tally, queues: partitions.map((partition) => `${topic}-${partition}`) }),
  })
}
