import { expect } from 'chai'
import { type AppenderLedger, prometheusText } from '../../lib/appender'

const LEDGERS: readonly AppenderLedger[] = [
  {
    appender: 'orders "main"',
    sinks: [
      {
        destination: 'the file C:\\logs\nout.log',
        entered: 110,
        recovered: 4,
        delivered: 93,
        discarded: { threshold: { info: 7, debug: 2 }, timeout: { warn: 1 } },
        discardedTotal: 10,
        rejected: 3,
        quarantined: 8,
        filtered: 9,
        spooled: 2,
        damaged: 1,
        inFlight: 5,
        retried: 4,
        bytes: 2 ** 40,
        queuedBytes: 512,
        highWaterBytes: 1024,
        lagMs: 12,
        blockedMs: 1.5,
        durabilityMissed: 6,
        thread: true,
      },
    ],
  },
]

const LABELS = 'appender="orders \\"main\\"",destination="the file C:\\\\logs\\nout.log"'

const TEXT = `# HELP tracelane_sink_entered_total Events that came to a sink.
# TYPE tracelane_sink_entered_total counter
tracelane_sink_entered_total{${LABELS}} 110
# HELP tracelane_sink_recovered_total Events that an earlier process left in the spool.
# TYPE tracelane_sink_recovered_total counter
tracelane_sink_recovered_total{${LABELS}} 4
# HELP tracelane_sink_delivered_total Events that the destination has.
# TYPE tracelane_sink_delivered_total counter
tracelane_sink_delivered_total{${LABELS}} 93
# HELP tracelane_sink_rejected_total Events that the destination refused.
# TYPE tracelane_sink_rejected_total counter
tracelane_sink_rejected_total{${LABELS}} 3
# HELP tracelane_sink_quarantined_total Events that the destination refused one by one.
# TYPE tracelane_sink_quarantined_total counter
tracelane_sink_quarantined_total{${LABELS}} 8
# HELP tracelane_sink_filtered_total Events that a decorator of the sink left out on purpose.
# TYPE tracelane_sink_filtered_total counter
tracelane_sink_filtered_total{${LABELS}} 9
# HELP tracelane_sink_damaged_total Events of the spool that were dropped or cannot be read.
# TYPE tracelane_sink_damaged_total counter
tracelane_sink_damaged_total{${LABELS}} 1
# HELP tracelane_sink_retried_total Writes that failed and were tried again.
# TYPE tracelane_sink_retried_total counter
tracelane_sink_retried_total{${LABELS}} 4
# HELP tracelane_sink_bytes_total Bytes that the destination has.
# TYPE tracelane_sink_bytes_total counter
tracelane_sink_bytes_total{${LABELS}} 1099511627776
# HELP tracelane_sink_blocked_ms_total How long calls have waited, in milliseconds.
# TYPE tracelane_sink_blocked_ms_total counter
tracelane_sink_blocked_ms_total{${LABELS}} 1.5
# HELP tracelane_sink_durability_missed_total Calls that returned before their event was durable.
# TYPE tracelane_sink_durability_missed_total counter
tracelane_sink_durability_missed_total{${LABELS}} 6
# HELP tracelane_sink_discarded_total Events given up because the queue was full.
# TYPE tracelane_sink_discarded_total counter
tracelane_sink_discarded_total{${LABELS},reason="threshold",level="info"} 7
tracelane_sink_discarded_total{${LABELS},reason="threshold",level="debug"} 2
tracelane_sink_discarded_total{${LABELS},reason="timeout",level="warn"} 1
# HELP tracelane_sink_in_flight Events that wait.
# TYPE tracelane_sink_in_flight gauge
tracelane_sink_in_flight{${LABELS}} 5
# HELP tracelane_sink_spooled Events that lie in the spool.
# TYPE tracelane_sink_spooled gauge
tracelane_sink_spooled{${LABELS}} 2
# HELP tracelane_sink_queued_bytes Bytes that wait.
# TYPE tracelane_sink_queued_bytes gauge
tracelane_sink_queued_bytes{${LABELS}} 512
# HELP tracelane_sink_high_water_bytes The most bytes that ever waited.
# TYPE tracelane_sink_high_water_bytes gauge
tracelane_sink_high_water_bytes{${LABELS}} 1024
# HELP tracelane_sink_lag_ms How long the oldest batch has been waiting, in milliseconds.
# TYPE tracelane_sink_lag_ms gauge
tracelane_sink_lag_ms{${LABELS}} 12
`

/* A line of the exposition format 0.0.4: a comment of a metric, or a sample with labels that are escaped. */
const COMMENT = /^# (HELP [a-z_]+ [^\n]+|TYPE [a-z_]+ (counter|gauge))$/
const SAMPLE = /^[a-z_]+\{[a-z]+="(?:[^"\\]|\\[\\"n])*"(?:,[a-z]+="(?:[^"\\]|\\[\\"n])*")*\} -?\d+(\.\d+)?$/

describe('prometheusText()', () => {
  it('writes each term as a metric', () => {
    expect(prometheusText(LEDGERS)).to.equal(TEXT)
  })

  it('writes lines of the exposition format only', () => {
    const lines = prometheusText(LEDGERS).split('\n')
    expect(lines.pop()).to.equal('')
    for (const line of lines) expect(line).to.match(line.startsWith('#') ? COMMENT : SAMPLE)
  })

  it('names the metrics though there is no appender', () => {
    const lines = prometheusText([]).trimEnd().split('\n')
    expect(lines).to.have.length(34)
    expect(lines.every((line) => line.startsWith('#'))).to.equal(true)
  })
})
