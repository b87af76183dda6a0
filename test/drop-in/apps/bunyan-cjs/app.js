// A price list: express, bunyan with a child logger for each request, CommonJS.
const bunyan = require('bunyan')
const express = require('express')

const log = bunyan.createLogger({ name: 'prices', serializers: bunyan.stdSerializers })

const app = express()
app.use((req, _res, next) => {
  req.log = log.child({ nonce: req.get('x-nonce') })
  next()
})

function lookUp(req, callback) {
  setTimeout(() => {
    req.log.info({ part: 'lookup' }, 'price looked up')
    callback(req.query.fail ? new Error('no price') : undefined, 7)
  }, Math.random() * 10)
}

app.get('/prices/:nonce', (req, res, next) => {
  req.log.info('price asked for')
  lookUp(req, (error, price) => {
    if (error) return next(error)
    req.log.info({ price }, 'price found')
    res.json({ price })
  })
})

app.use((error, req, res, _next) => {
  req.log.error(error, 'no answer')
  res.status(500).end()
})

const server = app.listen(Number(process.env.PORT ?? 3000), () => console.log(`listening on ${server.address().port}`))
process.on('SIGTERM', () => server.close())
