import { simplified } from '../sinks/otlp/otlp-server'
import { requires, until } from '../support'
import { type DeliveredLine, deliveryRun, RUN_MS, RUN_TITLE } from './delivery'
import { builtCollector, Collector, type OtlpRequest } from './otelcol'

function linesOf(request: OtlpRequest): DeliveredLine[] {
  return simplified(request, true).map(({ attributes, record, resource }) => ({
    ...(attributes as Pick<Record<keyof DeliveredLine, never>, 'trace' | 'p' | 'n' | 'vector'>),
    hlc: attributes['tracelane.hlc'] as string,
    seq: attributes['tracelane.seq'] as number,
    instance: resource['service.instance.id'] as string,
    time: record['timeUnixNano'] as string,
  }))
}

describe('delivery by OTLP', function () {
  this.timeout(RUN_MS)
  let collector: Collector
  let take: (line: DeliveredLine) => void = () => {}

  before(async function () {
    const program = await builtCollector()
    requires(this, 'otelcol', program !== undefined)
    collector = await Collector.start(program as string, 2 ** 24, (request) => {
      for (const line of linesOf(request)) take(line)
    })
  })
  after(() => collector?.stop())

  it(RUN_TITLE, async () => {
    await deliveryRun({
      sink: { name: 'otlpSink', options: { url: collector.origin, timeoutMs: 1_000 } },
      // A collector does not know what it had before: whoever reads its output leaves out what came again, by instance and seq.
      isOnce: false,
      restart: async () => {
        await collector.stop('SIGKILL')
        await collector.start()
      },
      pause: () => collector.signal('SIGSTOP'),
      resume: () => collector.signal('SIGCONT'),
      begin: (taking) => {
        take = taking
      },
      end: async (isAll) => {
        await until('all lines', isAll, RUN_MS)
        // Its last words.
        await collector.stop()
      },
    })
  })
})
