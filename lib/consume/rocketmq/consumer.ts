import { rocketmqFailureOf } from '../../sinks'
import type { OrderedConsumer } from '../event'
import { Member } from '../member'
import { SeenEvents } from '../seen-events'
import { newTally } from '../tally'
import { type RocketmqConsumerOptions, rocketmqConsumerSettings } from './options'
import { Session } from './session'

/**
 * Takes the events that `rocketmqSink` has written from a FIFO topic, as a consumer of a FIFO group, each queue in order, and hands them to `handle`. It begins at once, and
 * goes on until it is closed, whatever happens to proxies and brokers; it keeps the process alive until then.
 *
 * Throws ERR_TRACELANE_OPTION_* for wrong options, and ERR_TRACELANE_PEER_MISSING without the package `@grpc/grpc-js`;
 * docs/reference/consume.md.
 */
export function createRocketmqConsumer(options: RocketmqConsumerOptions): OrderedConsumer {
  const settings = rocketmqConsumerSettings(options)
  const { proxies, topic, groupId, timeoutMs } = settings
  const tally = newTally()
  const brokers = new Set<string>()
  const attempts = new Map<string, string>()
  const seen = new Map<string, SeenEvents>()
  let session: Session | undefined
  const seenOf = (queue: string): SeenEvents => {
    const known = seen.get(queue) ?? new SeenEvents()
    seen.set(queue, known)
    return known
  }
  return new Member({
    newSession: (turn) => {
      session = new Session({ settings, tally, turn, brokers, attempts, seenOf })
      return session
    },
    name: `rocketmq ${proxies.endpoints.join()} (group ${groupId})`,
    describe: (error) => rocketmqFailureOf(error, topic, timeoutMs).reason,
    stats: () => ({ ...tally, queues: session?.queues ?? [] }),
  })
}
