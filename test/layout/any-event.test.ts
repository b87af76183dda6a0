import { expect } from 'chai'
import fc from 'fast-check'
import { createLayout, type Layout, type LayoutOption } from '../../lib/layout'
import { viewError } from '../../lib/layout/error-view'
import { FULL_STACK, stackLines } from '../../lib/layout/stack-text'
import { heavy } from '../support'
import { eventOf, parts } from '../support/any-event'

const RUNS = heavy ? 5_000 : 25
const ORIGIN = { service: 'orders', caller: true }
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/

/* What a pattern line has where an event's own texts are. */
const PATTERN = '%d{ISO8601, UTC} %-5level [%X] %logger{10} %msg %kvp %fields%n%ex{full}'

const layoutOf = (option: LayoutOption): Layout => createLayout(option, ORIGIN, { ordering: true, terminal: false })

type Line = Record<string, unknown>

/* The event's own fields, where each layout has them. */
const RESERVED: Readonly<Record<string, (line: Line) => Line>> = {
  json: ({ time, level, logger, msg, traceId, spanId, hlc, seq }) => ({ time, level, logger, msg, traceId, spanId, hlc, seq }),
  ecs: (line) => ({
    ...{
      time: Date.parse(String(line['@timestamp'])),
      level: line['log.level'],
      logger: line['log.logger'],
      msg: line['message'],
    },
    ...{ traceId: line['trace.id'], spanId: line['span.id'], hlc: line['tracelane.hlc'], seq: line['tracelane.seq'] },
  }),
  otel: otelReserved,
}

function otelReserved(line: Line): Line {
  const [{ scopeLogs }] = line['resourceLogs'] as [{ scopeLogs: [{ scope: { name: string }; logRecords: [Line] }] }]
  const [{ scope, logRecords }] = scopeLogs
  const [record] = logRecords
  const list = record['attributes'] as { key: string; value: Line }[]
  const attributes = Object.fromEntries(list.map(({ key: name, value: typed }) => [name, typed]))
  return {
    ...{ time: Number(String(record['timeUnixNano']).slice(0, -6)), level: String(record['severityText']).toLowerCase() },
    ...{ logger: scope.name, msg: (record['body'] as Line)['stringValue'], traceId: record['traceId'], spanId: record['spanId'] },
    ...{ hlc: attributes['tracelane.hlc']?.['stringValue'], seq: Number(attributes['tracelane.seq']?.['intValue']) },
  }
}

function check(property: fc.IProperty<unknown>): void {
  fc.assert(property, { numRuns: RUNS, ...(process.env['FC_SEED'] && { seed: Number(process.env['FC_SEED']) }) })
}

describe('every layout, for any event', function () {
  this.timeout(heavy ? 600_000 : 60_000)

  for (const [name, reserved] of Object.entries(RESERVED)) {
    const layout = layoutOf(name as 'json')

    it(`${name}: one line that parses, without any control character, with the event's own fields as they were`, () => {
      check(
        fc.property(parts, (said) => {
          const event = eventOf(said)
          const line = layout(event, 7)
          expect(line.endsWith('\n')).to.equal(true)
          expect(CONTROL.test(line.slice(0, -1))).to.equal(false)
          const { time, level, logger, msg, traceId, spanId, hlc } = event
          const seen = reserved(JSON.parse(line) as Line)
          expect(seen).to.deep.equal({ time, level, logger, msg, traceId, spanId, hlc, seq: 7 })
        }),
      )
    })
  }

  for (const option of ['json', 'ecs', 'otel', 'pretty', { pattern: PATTERN }] as const) {
    const name = typeof option === 'string' ? option : 'pattern'
    const layout = layoutOf(option)

    it(`${name}: the same text for the same event`, () => {
      check(
        fc.property(parts, (said) => {
          const event = eventOf(said)
          expect(layout(event, 7)).to.equal(layout(event, 7))
        }),
      )
    })
  }

  for (const option of ['pretty', { pattern: PATTERN }] as const) {
    const name = typeof option === 'string' ? option : 'pattern'

    it(`${name}: one line, and those of the stack, whatever the texts are`, () => {
      const layout = layoutOf(option)
      check(
        fc.property(parts, (said) => {
          const event = eventOf(said)
          const lines = layout(event, 7).split('\n')
          expect(lines.pop()).to.equal('')
          const stack = event.err === undefined ? 0 : stackLines(viewError(event.err), FULL_STACK).length
          // Pretty has one more for what an error has beside its stack.
          expect(lines.length - 1 - stack).to.be.oneOf(name === 'pretty' && stack > 0 ? [0, 1] : [0])
          expect(lines.filter((line) => CONTROL.test(line.replace(/^\t+/, '')))).to.deep.equal([])
        }),
      )
    })
  }
})
