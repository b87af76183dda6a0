import { Confirmations } from '../confirmations'
import type { KafkaGroupClient } from './group-client'

/** All of a partition before an offset is handled. */
export type HandledPlace = readonly [partition: number, offset: bigint]

/** Tells the brokers how far each partition is handled: the newest place of each. */
export function committerOf(
  group: Pick<KafkaGroupClient, 'commit'>,
  topic: string,
  onFailure: (error: unknown) => void,
): Confirmations<HandledPlace> {
  return new Confirmations((waiting) => {
    const newest = new Map(waiting.splice(0))
    return group.commit({
      offsets: [...newest].map(([partition, offset]) => ({ topic, partition, offset, leaderEpoch: -1 })),
    })
  }, onFailure)
}
