import { expect } from 'chai'
import { createKafkaConsumer, type KafkaConsumerOptions } from 'tracelane/consume'
import { kafkaConsumerSettings } from '../../../lib/consume/kafka/options'

const needed = { brokers: ['kafka.example:9092'], topic: 'logs', groupId: 'collectors', handle: () => {} }

describe('createKafkaConsumer()', () => {
  it('has defaults', () => {
    const { connection, consume, ...settings } = kafkaConsumerSettings(needed)
    expect(settings).to.deep.equal({
      ...{ topic: 'logs', groupId: 'collectors', startAt: 'earliest', sessionTimeoutMs: 30_000 },
      ...{ lookBackRecords: 1_000, maxFetchBytes: 1_000_000 },
    })
    expect(consume).to.deep.equal({ handle: needed.handle, batchEvents: 500, maxAttempts: 10, retryDelayMs: 100 })
    expect(connection).to.deep.include({ brokers: ['kafka.example:9092'], clientId: 'tracelane', tls: false })
  })

  const wrong: Readonly<Record<string, readonly [options: Record<string, unknown>, message: RegExp]>> = {
    'no handler': [{ handle: undefined }, /createKafkaConsumer needs 'handle': a function/],
    'no group': [{ groupId: undefined }, /needs 'groupId'/],
    'a group with spaces': [{ groupId: 'a b' }, /'groupId' must be a text without spaces/],
    'an unknown option': [{ autocommit: true }, /does not know 'autocommit'/],
    'a session of no length': [{ sessionTimeoutMs: 10 }, /'sessionTimeoutMs' must be an integer from 1000/],
    'a password that is missing': [{ sasl: { mechanism: 'PLAIN', username: 'a' } }, /needs 'password'/],
  }
  for (const [what, [options, message]] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      expect(() => createKafkaConsumer({ ...needed, ...options } as KafkaConsumerOptions)).to.throw(message)
    })
  }
})
