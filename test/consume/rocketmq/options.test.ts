import { expect } from 'chai'
import { createRocketmqConsumer, type RocketmqConsumerOptions } from 'tracelane/consume'
import { rocketmqConsumerSettings } from '../../../lib/consume/rocketmq/options'

const needed = { endpoints: ['proxy.example:8081'], topic: 'logs', groupId: 'collectors', handle: () => {} }

describe('options of createRocketmqConsumer()', () => {
  it('have defaults', () => {
    const { proxies, consume, ...settings } = rocketmqConsumerSettings(needed)
    expect(settings).to.deep.equal({
      ...{ topic: 'logs', groupId: 'collectors', invisibleMs: 30_000, receiveMessages: 32, timeoutMs: 5_000 },
    })
    expect(consume).to.deep.equal({ handle: needed.handle, batchEvents: 500, maxAttempts: 10, retryDelayMs: 100 })
    expect(proxies).to.deep.include({ endpoints: ['proxy.example:8081'], clientId: 'tracelane', tls: false })
  })

  const wrong: Readonly<Record<string, readonly [options: Record<string, unknown>, message: RegExp]>> = {
    'no handler': [{ handle: undefined }, /createRocketmqConsumer needs 'handle': a function/],
    'no group': [{ groupId: undefined }, /needs 'groupId'/],
    'a group with spaces': [{ groupId: 'a b' }, /'groupId' must be letters, digits, dashes and underscores/],
    'a topic that cannot be': [{ topic: 'a.b' }, /'topic' must be letters/],
    'an unknown option': [{ startAt: 'latest' }, /does not know 'startAt'/],
    'a time for which no proxy keeps anything': [{ invisibleMs: 9_999 }, /'invisibleMs' must be an integer from 10000/],
    'more messages than a broker gives': [{ receiveMessages: 33 }, /'receiveMessages' must be an integer from 1 to 32/],
    'credentials without a secret': [
      { credentials: { accessKey: 'a' } },
      /createRocketmqConsumer: credentials needs 'accessSecret'/,
    ],
  }
  for (const [what, [options, message]] of Object.entries(wrong)) {
    it(`refuse ${what}`, () => {
      expect(() => createRocketmqConsumer({ ...needed, ...options } as RocketmqConsumerOptions)).to.throw(message)
    })
  }
})
