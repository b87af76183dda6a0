// Makes the load of http.mjs, in a process of its own: 50 connections by autocannon.
import autocannon from 'autocannon'
import { serveParent } from './runs.mjs'

serveParent('ready', async ({ port, seconds }) => {
  const { requests, latency, duration, errors, non2xx } = await autocannon({
    url: `http://127.0.0.1:${port}/`,
    connections: 50,
    duration: seconds,
    sampleInt: 100,
  })
  if (errors + non2xx > 0) throw new Error(`${errors} errors, ${non2xx} replies that are not 2xx`)
  return { count: requests.total, perSecond: requests.total / duration, p99: latency.p99 }
})
