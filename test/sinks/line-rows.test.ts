import { expect } from 'chai'
import { captureEvent, type LogEvent } from '../../lib/event'
import { createLayout, type LayoutOption } from '../../lib/layout'
import { rowsOfLines } from '../../lib/sinks'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const IDS = { traceId: TRACE, spanId: '00f067aa0ba902b7' }
const ORIGIN = { service: 'orders' }

function lineOf(layout: LayoutOption, event: Partial<LogEvent>, seq: number): string {
  const captured = captureEvent(undefined, { level: 'info', logger: 'x', msg: 'm', fields: undefined })
  return createLayout(layout, ORIGIN, { ordering: true, terminal: false })({ ...captured, ...event }, seq)
}

describe('rowsOfLines()', () => {
  for (const layout of ['json', 'ecs', 'otel'] as const) {
    it(`reads severity, trace and, where a line has it, number out of lines of the layout ${layout}`, () => {
      const lines = [
        lineOf(layout, { level: 'error', ...IDS, msg: 'ä' }, 70),
        lineOf(layout, { level: 'debug', fields: { deep: { traceId: TRACE } } }, 90),
      ]
      const bytes = Buffer.from(lines.join(''))
      const rows = rowsOfLines(bytes, 2, 70)
      expect(rows.map(({ severity, traceId }) => [severity, traceId])).to.deep.equal([
        [17, TRACE],
        [5, undefined],
      ])
      expect(rows.map(({ seq }) => seq)).to.deep.equal(layout === 'otel' ? [70, 71] : [70, 90])
      expect(rows.map(({ start, end }) => bytes.toString('utf8', start, end))).to.deep.equal(lines)
    })
  }

  it('reads the levels of pino, and takes info for what says none', () => {
    const levels = ['10', '20', '30', '40', '50', '60', '35', '1000', '"WARN"', '"loud"', 'null']
    const lines = Buffer.from([...levels.map((level) => `{"level":${level}}`), 'no JSON', ''].join('\n'))
    const severities = rowsOfLines(lines, levels.length + 1, 1).map(({ severity }) => severity)
    expect(severities).to.deep.equal([1, 5, 9, 13, 17, 21, 11, 24, 13, 9, 9, 9])
  })

  it('knows no trace of zeros', () => {
    const [row] = rowsOfLines(Buffer.from(`{"traceId":"${'0'.repeat(32)}"}\n`), 1, 1)
    expect(row?.traceId).to.equal(undefined)
  })

  it('are one row where lines cannot be told apart', () => {
    const lines = Buffer.from('one\n  and its stack\ntwo\n')
    expect(rowsOfLines(lines, 2, 5)).to.deep.equal([{ start: 0, end: lines.length, severity: 9, seq: 5, traceId: undefined }])
  })
})
