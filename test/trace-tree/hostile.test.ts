import { expect } from 'chai'
import fc from 'fast-check'
import { arrangeTrace, noColors, readLine, renderTrace, traceDocument } from '../../lib/trace-tree'
import { hlc, id, TRACE } from '../support/log-file'

const RUNS = 500

/* Few ids and times, so that spans collide, contain each other and end twice; and values of any type in any place. */
const anySpanId = fc.constantFrom(...['1', '2', '3', '4'].map(id))
const anything = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.constant(null),
  fc.array(fc.integer()),
  fc.dictionary(fc.string(), fc.string()),
)
const sometimes = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 4, arbitrary: usual as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: anything })
const span = fc.record({
  kind: sometimes(fc.constantFrom('server', 'client', 'internal')),
  name: sometimes(fc.string()),
  outcome: sometimes(fc.constantFrom('ok', 'error', 'aborted')),
  durationMs: sometimes(fc.nat(1000)),
  status: anything,
})
const record = fc.record(
  {
    traceId: fc.constant(TRACE),
    spanId: sometimes(anySpanId),
    parentSpanId: sometimes(anySpanId),
    time: sometimes(fc.integer({ min: 1, max: 10_000 })),
    hlc: sometimes(fc.nat(20).map((ms) => hlc(ms))),
    service: sometimes(fc.constantFrom('a', 'b', '__proto__')),
    instance: sometimes(anySpanId),
    seq: sometimes(fc.nat(5)),
    level: sometimes(fc.constantFrom(10, 30, 'error', 'constructor')),
    err: anything,
    __proto__: anything,
    msg: sometimes(fc.string({ unit: 'binary' })),
    span: sometimes(span),
  },
  { requiredKeys: [] },
)
const text = fc.oneof(
  { weight: 5, arbitrary: record.map((fields) => JSON.stringify(fields)) },
  { weight: 1, arbitrary: record.map((fields) => JSON.stringify(fields).slice(0, -7)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
)

describe('the trace tree of hostile lines', () => {
  it('never throws, loses no line, and lets no control character through', () => {
    const files = fc.array(fc.array(text, { maxLength: 12 }), { maxLength: 3 })
    fc.assert(
      fc.property(files, (contents) => {
        const lines = contents.flatMap((file, index) =>
          file.flatMap((line, offset) => readLine(line, TRACE, { file: `${index}.log`, index, offset }) ?? []),
        )
        if (lines.length === 0) return
        const trace = arrangeTrace(TRACE, lines)
        const events = new Set(
          lines.map((line, i) => (line.instance === undefined || line.seq === undefined ? i : `${line.instance} ${line.seq}`)),
        )
        const count = (spans: ReturnType<typeof traceDocument>['spans']): number =>
          spans.reduce((sum, { finished, children }) => sum + (finished ? 1 : 0) + count(children), 0)
        const document = traceDocument(trace)
        expect(document.lines.length + count(document.spans)).to.equal(events.size)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
        expect(renderTrace(trace, { width: 100, paint: noColors }).join('')).to.not.match(/[\u0000-\u001f\u007f-\u009f]/)
      }),
      { numRuns: RUNS },
    )
  })
})
