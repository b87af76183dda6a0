// Deliveries, logged through OpenTelemetry: express, ES modules.
import { setTimeout as pause } from 'node:timers/promises'
import { logs, SeverityNumber } from '@opentelemetry/api-logs'
import { ConsoleLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import express from 'express'

logs.setGlobalLoggerProvider(
  new LoggerProvider({
    processors: [new SimpleLogRecordProcessor(new ConsoleLogRecordExporter())],
  }),
)
const log = logs.getLogger('deliveries')

const app = express()
app.get('/deliveries/:nonce', async (req, res) => {
  const { nonce } = req.params
  log.emit({ severityNumber: SeverityNumber.INFO, body: 'delivery asked for', attributes: { nonce } })
  await pause(Math.random() * 10)
  if (req.query.fail) throw new Error(`${nonce} is late`)
  log.emit({ severityNumber: SeverityNumber.INFO, body: `${nonce} is on its way` })
  res.send('ok')
})

app.use((exception, _req, res, _next) => {
  log.emit({ severityNumber: SeverityNumber.ERROR, body: 'no delivery', exception })
  res.status(503).end()
})

const server = app.listen(Number(process.env.PORT ?? 3000), () => console.log(`listening on ${server.address().port}`))
process.on('SIGTERM', () => server.close())
