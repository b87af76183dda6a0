import { expect } from 'chai'
import { projectFile, runNode } from '../support'

interface Ids {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
}

interface Told {
  readonly replied: readonly string[]
  readonly handlers: readonly (Ids & { readonly name: 'shop' | 'stock'; readonly traceparent?: string })[]
  /** The events at the end of our spans. */
  readonly ours: readonly (Ids & { readonly kind: 'server' | 'client' })[]
  readonly spans: readonly (Ids & { readonly kind: number })[]
}

const GIVEN = 'a'.repeat(32)
const SERVER = 1
const CLIENT = 2

async function told(how: 'manager' | 'own' | 'apart'): Promise<Told> {
  const { stdout, stderr } = await runNode([projectFile('test/fixtures/otel/sdk.cjs'), how])
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as Told
}

const unique = (ids: readonly string[]): string[] => [...new Set(ids)]

describe('beside the SDK of OpenTelemetry, with its instrumentation of HTTP', () => {
  for (const how of ['manager', 'own'] as const) {
    it(`there is one trace and not two, with ${how === 'own' ? 'the context manager of the SDK' : 'TracelaneContextManager'}`, async () => {
      const { replied, handlers, ours, spans } = await told(how)
      const [fresh = '', given = ''] = replied
      expect(given).to.equal(GIVEN)
      expect(fresh).to.match(/^(?!a{32})[0-9a-f]{32}$/)
      for (const id of [fresh, given]) {
        const within = <T extends Ids>(all: readonly T[]): T[] => all.filter(({ traceId }) => traceId === id)
        const [shop, stock] = ['shop', 'stock'].map((name) => within(handlers).find((one) => one.name === name))
        const [client, ...others] = within(spans).filter(({ kind }) => kind === CLIENT)
        const servers = within(spans).filter(({ kind }) => kind === SERVER)
        expect(others).to.deep.equal([])
        // Our server spans are those of OpenTelemetry, and its client span is what the callee was called by
        expect(servers.map(({ spanId }) => spanId)).to.have.members([shop?.spanId, stock?.spanId])
        expect(client?.parentSpanId).to.equal(shop?.spanId)
        expect(stock?.parentSpanId).to.equal(client?.spanId)
        expect(stock?.traceparent).to.equal(`00-${id}-${client?.spanId}-01`)
        expect(within(ours).map(({ kind }) => kind)).to.have.members(['server', 'client', 'server'])
      }
      expect(unique([...handlers, ...ours, ...spans].map(({ traceId }) => traceId))).to.have.members([fresh, given])
    })
  }

  it('there are two traces without the bridge, so that the above shows something', async () => {
    const { handlers, spans } = await told('apart')
    expect(unique([...handlers, ...spans].map(({ traceId }) => traceId)).length).to.be.greaterThan(2)
  })
})
