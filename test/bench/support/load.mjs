// Makes the load of http.mjs, stall.mjs and classic.mjs, in a process of its own, by autocannon: 50 connections that ask as fast as they are
// answered, or, with a `rate`, that many requests a second whether they are answered or not.
import autocannon from 'autocannon'
import { serveParent } from './runs.mjs'

serveParent('ready', async ({ port, seconds, path = '/', connections = 50, rate }) => {
  const { requests, latency, duration, errors, non2xx } = await autocannon({
    url: `http://127.0.0.1:${port}${path}`,
    connections,
    duration: seconds,
    sampleInt: 100,
    timeout: 60,
    ...(rate !== undefined && { overallRate: rate }),
  })
  if (errors + non2xx > 0) throw new Error(`${errors} errors, ${non2xx} replies that are not 2xx`)
  return { count: requests.total, perSecond: requests.total / duration, p50: latency.p50, p99: latency.p99, max: latency.max }
})
