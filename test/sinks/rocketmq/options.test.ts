import { expect } from 'chai'
import { type RocketmqSinkOptions, rocketmqSink } from 'tracelane'
import { destinationOf, readSink } from '../../../lib/sinks'

const needed = { endpoints: ['proxy-1.example:8081'], topic: 'logs' }

describe('rocketmqSink()', () => {
  it('is data with all defaults, frozen, which a file of options can say as well', () => {
    const spec = rocketmqSink(needed)
    const { clientPath, ...options } = spec.options
    expect(options).to.deep.equal({
      ...needed,
      ...{ clientId: 'tracelane', timeoutMs: 10_000, tls: false, packing: 'trace', maxEventsPerKey: 100_000 },
      ...{ maxMessageBytes: 1_000_000, maxMessagesInFlight: 32, ordering: true, layout: 'json' },
      ...{ maxBatchEvents: 10_000, maxBatchBytes: 2 ** 20, lingerMs: 0 },
      ...{ maxInFlight: 1, mode: 'acknowledged', acquireTimeoutMs: 5_000 },
    })
    expect(clientPath).to.match(/@grpc\/grpc-js\/build\/src\/index\.js$/)
    expect([spec, spec.options, spec.options.endpoints].every(Object.isFrozen)).to.equal(true)
    expect(readSink({ kind: 'rocketmq', options: needed } as never)).to.deep.equal(spec)
    expect(readSink(spec)).to.deep.equal(spec)
  })

  it('is named by its topic and its proxies', () => {
    expect(destinationOf(rocketmqSink(needed))).to.equal('the topic logs of proxy-1.example:8081')
  })

  it('takes an IPv6 address, a tag and credentials', () => {
    const credentials = { accessKey: 'shipper', accessSecret: 'a, b', securityToken: 'abc' }
    const spec = rocketmqSink({ ...needed, endpoints: ['[::1]:8081'], tag: 'app-logs', credentials })
    expect(spec.options).to.deep.include({ endpoints: ['[::1]:8081'], tag: 'app-logs', credentials })
    expect(Object.isFrozen(spec.options.credentials)).to.equal(true)
  })

  const wrong: Readonly<Record<string, readonly [options: Record<string, unknown>, message: RegExp]>> = {
    'no endpoints': [{ endpoints: undefined }, /rocketmqSink needs 'endpoints': a list of addresses/],
    'an empty list of endpoints': [{ endpoints: [] }, /'endpoints' must be a list of addresses/],
    'an endpoint without a port': [{ endpoints: ['proxy.example'] }, /'endpoints' must be a list of addresses/],
    'an endpoint as a URL': [{ endpoints: ['http://user:secret@proxy.example:8081'] }, /'endpoints' must be a list/],
    'no topic': [{ topic: undefined }, /rocketmqSink needs 'topic'/],
    'a topic that no broker takes': [{ topic: 'a.b' }, /'topic' must be letters/],
    'a tag with a bar': [{ tag: 'a||b' }, /'tag' must be a text without spaces/],
    'an unknown option': [{ producerGroup: 'a' }, /does not know 'producerGroup'/],
    'no messages in flight': [{ maxMessagesInFlight: 0 }, /'maxMessagesInFlight' must be an integer from 1/],
    'a message of no size': [{ maxMessageBytes: 0 }, /'maxMessageBytes' must be an integer from 1024/],
    'a key alone': [{ credentials: { accessKey: 'secret' } }, /rocketmqSink: credentials needs 'accessSecret'/],
    'a key that is no header': [{ credentials: { accessKey: 'a\nsecret', accessSecret: 'b' } }, /'accessKey' must be printable/],
    'a certificate that is none': [{ tls: { cert: 'secret' } }, /rocketmqSink: 'tls' cannot be used/],
  }
  for (const [what, [options, message]] of Object.entries(wrong)) {
    it(`refuses ${what}, and shows no secret`, () => {
      expect(() => rocketmqSink({ ...needed, ...options } as RocketmqSinkOptions))
        .to.throw(message)
        .with.property('message')
        .that.does.not.include('secret')
    })
  }
})
