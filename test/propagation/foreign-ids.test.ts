import { expect } from 'chai'
import fc from 'fast-check'
import {
  Baggage,
  b3Multi,
  b3Single,
  type Carrier,
  counters,
  type Getter,
  jaeger,
  type Propagator,
  TraceContext,
  xray,
} from 'tracelane'
import { TraceRoot } from '../../lib/context'
import { anyGetter, anySetter } from '../../lib/propagation'
import { foreignVectors } from '../vectors'

const FORMATS: readonly (readonly ['b3' | 'jaeger' | 'xray', Readonly<Record<string, Propagator>>])[] = [
  ['b3', { b3Single, b3Multi }],
  ['jaeger', { jaeger }],
  ['xray', { xray }],
]

const CLOCK = (Date.now() - 60_000).toString(16).padStart(12, '0')

function contextOf(ids: { traceId: string; spanId: string; flags: number; parentSpanId?: string | undefined }): TraceContext {
  return new TraceContext({ ...ids, traceState: 'a=1', baggage: Baggage.empty.with('k', 'v') }, new TraceRoot())
}

for (const [format, propagators] of FORMATS) {
  const vectors = foreignVectors(format)
  for (const [name, propagator] of Object.entries(propagators)) {
    describe(name, () => {
      describe('extract()', () => {
        for (const { rule, headers, extracted, rejected = false, sampled } of vectors.extract) {
          it(rule, () => {
            const before = { ...counters }
            const context = propagator.extract(headers as Carrier, anyGetter)
            const { traceId, spanId, flags } = context ?? {}
            expect(context === undefined ? null : { traceId, spanId, flags }).to.deep.equal(extracted)
            expect(context?.traceState ?? '').to.equal('')
            expect(counters.contextsAccepted - before.contextsAccepted).to.equal(extracted === null ? 0 : 1)
            expect(counters.contextsRejected - before.contextsRejected).to.equal(rejected ? 1 : 0)
            expect(propagator.beside?.(headers as Carrier, anyGetter)?.sampled).to.equal(sampled)
            const carried = extracted !== null || sampled !== undefined
            expect(propagator.carries?.(headers as Carrier, anyGetter)).to.equal(carried)
          })
        }

        it('is never anything but ids or nothing, for any text', () => {
          const header = fc.oneof(
            fc.string({ unit: 'binary', maxLength: 80 }),
            fc.stringMatching(/^[0-9a-fA-F:;=%d-]{0,80}$/),
            fc.stringMatching(/^(Root=1-|)[0-9a-f]{8,32}[-:][0-9a-f]{12,24}[-:;01]{0,4}$/),
          )
          const all = fc.record(Object.fromEntries(propagator.fields.map((field) => [field, header])), { requiredKeys: [] })
          const check = fc.property(all, (headers) => {
            const context = propagator.extract(headers as Carrier, anyGetter)
            if (context === undefined) return
            expect(context.traceId).to.match(/^(?!0{32})[0-9a-f]{32}$/)
            expect(context.spanId).to.match(/^[0-9a-f]{16}$/)
            expect(context.flags).to.be.within(0, 1)
          })
          fc.assert(check, { numRuns: 500 })
        })

        it('takes the clock that travels beside the ids', () => {
          const [good] = vectors.extract.filter(({ extracted }) => extracted !== null)
          const clock = `${CLOCK}0007`
          const headers = { ...good?.headers, 'tracelane-clock': clock } as Carrier
          const context = propagator.extract(headers, anyGetter) as TraceContext
          const sent: Record<string, string> = {}
          propagator.inject(context, sent, anySetter)
          expect(sent['tracelane-clock'])
            .to.be.a('string')
            .and.satisfy((text: string) => text > clock)
        })
      })

      describe('inject()', () => {
        for (const { rule, flags, parentSpanId, written } of vectors.inject[name] ?? []) {
          it(rule, () => {
            const { traceId, spanId } = vectors
            const context = contextOf({ traceId, spanId, flags, parentSpanId: parentSpanId ?? undefined })
            const { 'tracelane-clock': clock, ...headers } = injected(propagator, context)
            expect(headers).to.deep.equal(written)
            expect(clock).to.match(/^[0-9a-f]{16}$/)
          })
        }

        it('writes what it reads back, for any ids', () => {
          const id = (length: number): fc.Arbitrary<string> =>
            fc.stringMatching(new RegExp(`^[0-9a-f]{${length}}$`)).filter((text) => /[1-9a-f]/.test(text))
          const ids = fc.record({ traceId: id(32), spanId: id(16), flags: fc.nat(1) })
          const check = fc.property(ids, (given) => {
            expect(propagator.extract(injected(propagator, contextOf(given)) as Carrier, anyGetter)).to.include(given)
          })
          fc.assert(check, { numRuns: 100 })
        })

        it('names every header that it reads or writes in fields, but for the clock', () => {
          const asked = new Set<string>()
          const getter: Getter<null> = { get: (_, key) => void asked.add(key) }
          propagator.extract(null, getter)
          const { traceId, spanId } = vectors
          const context = contextOf({ traceId, spanId, flags: 1, parentSpanId: spanId })
          for (const key of Object.keys(injected(propagator, context))) asked.add(key)
          asked.delete('tracelane-clock')
          expect(propagator.fields).to.include.members([...asked])
        })
      })
    })
  }
}

function injected(propagator: Propagator, context: TraceContext): Record<string, string> {
  const headers: Record<string, string> = {}
  propagator.inject(context, headers, anySetter)
  return headers
}
