import { expect } from 'chai'
import { type KafkaSinkOptions, kafkaSink } from 'tracelane'
import { readSink } from '../../../lib/sinks'
import { runNode, tempFolder } from '../../support'
import { installPacked } from '../../support/packed'

const needed = { brokers: ['kafka-1.example:9092'], topic: 'logs' }

describe('kafkaSink()', () => {
  it('is data with all defaults, frozen, which a file of options can say as well', () => {
    const spec = kafkaSink(needed)
    const { clientPath, ...options } = spec.options
    expect(options).to.deep.equal({
      ...needed,
      ...{ clientId: 'tracelane', connectTimeoutMs: 5_000, timeoutMs: 10_000, tls: false },
      ...{ packing: 'trace', maxEventsPerKey: 100_000, maxRecordBytes: 1_000_000, compression: 'none' },
      ...{
        maxBatchEvents: 10_000,
        maxBatchBytes: 1_000_000,
        lingerMs: 0,
        maxInFlight: 1,
        mode: 'acknowledged',
        acquireTimeoutMs: 5_000,
      },
      ...{ ordering: true, layout: 'json' },
    })
    expect(clientPath).to.match(/@platformatic\/kafka\/dist\/index\.js$/)
    expect(Object.isFrozen(spec) && Object.isFrozen(spec.options) && Object.isFrozen(spec.options.brokers)).to.equal(true)
    expect(readSink({ kind: 'kafka', options: needed } as never)).to.deep.equal(spec)
    expect(readSink(spec)).to.deep.equal(spec)
  })

  const wrong: Readonly<Record<string, readonly [options: Record<string, unknown>, message: RegExp]>> = {
    'no brokers': [{ brokers: undefined }, /kafkaSink needs 'brokers': a list of addresses/],
    'an empty list of brokers': [{ brokers: [] }, /'brokers' must be a list of addresses/],
    'a broker without a port': [{ brokers: ['kafka.example'] }, /'brokers' must be a list of addresses/],
    'a broker as a URL': [{ brokers: ['kafka://user:secret@kafka.example:9092'] }, /'brokers' must be a list of addresses/],
    'no topic': [{ topic: undefined }, /kafkaSink needs 'topic'/],
    'a topic that no broker takes': [{ topic: 'a b' }, /'topic' must be letters/],
    'the topic ..': [{ topic: '..' }, /'topic' must be letters/],
    'an unknown option': [{ acks: 1 }, /does not know 'acks'/],
    'another packing': [{ packing: 'lines' }, /'packing' must be one of 'trace', 'line'/],
    'a record of no size': [{ maxRecordBytes: 0 }, /'maxRecordBytes' must be an integer from 1024/],
    'keys for no events': [{ maxEventsPerKey: 0 }, /'maxEventsPerKey' must be an integer from 1/],
    'an unknown mechanism': [{ sasl: { mechanism: 'NTLM' } }, /sasl: 'mechanism' must be one of/],
    'a password that is missing': [
      { sasl: { mechanism: 'SCRAM-SHA-256', username: 'a' } },
      /sasl with SCRAM-SHA-256 needs 'password'/,
    ],
    'a token that is missing': [{ sasl: { mechanism: 'OAUTHBEARER', password: 'secret' } }, /needs 'token'/],
    'an unknown option of TLS': [{ tls: { minVersion: 'TLSv1' } }, /kafkaSink: tls does not know 'minVersion'/],
    'a certificate that is none': [{ tls: { cert: 'secret' } }, /kafkaSink: 'tls' cannot be used/],
  }
  for (const [what, [options, message]] of Object.entries(wrong)) {
    it(`refuses ${what}, and shows no secret`, () => {
      expect(() => kafkaSink({ ...needed, ...options } as KafkaSinkOptions))
        .to.throw(message)
        .with.property('message')
        .that.does.not.include('secret')
    })
  }

  it('says how to install the client where it is missing', async () => {
    const folder = tempFolder()
    await installPacked(folder, [])
    const program = "require('tracelane').kafkaSink({ brokers: ['a:1'], topic: 'b' })"
    const { stderr } = await runNode(['-e', program], { cwd: folder })
    expect(stderr).to.match(/needs @platformatic\/kafka; install it with: npm install @platformatic\/kafka/)
    expect(stderr).to.include('ERR_TRACELANE_PEER_MISSING')
  })
})
