// A library: express, winston, CommonJS.
const express = require('express')
const winston = require('winston')

const logger = winston.createLogger({
  levels: winston.config.syslog.levels,
  format: winston.format.combine(winston.format.splat(), winston.format.json()),
  transports: [new winston.transports.Console()],
})

const app = express()

function find(nonce, callback) {
  setTimeout(() => {
    logger.child({ part: 'shelf' }).notice('looked for %s', nonce)
    callback()
  }, Math.random() * 10)
}

app.get('/books/:nonce', (req, res, next) => {
  const { nonce } = req.params
  logger.info('book %s asked for', nonce)
  find(nonce, () => {
    if (req.query.fail) return next(new Error(`no book ${nonce}`, { cause: new Error('burnt') }))
    logger.info('book found', { nonce })
    res.json({ nonce })
  })
})

app.use((error, _req, res, _next) => {
  logger.error(error)
  res.status(404).end()
})

const server = app.listen(Number(process.env.PORT ?? 3000), () => console.log(`listening on ${server.address().port}`))
process.on('SIGTERM', () => server.close())
