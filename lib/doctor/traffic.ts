import type { CallSite } from './call-sites'
import { counted, type Finding, finding } from './finding'
import type { OutgoingCalls } from './outgoing'
import { loadedDoors } from './packages'
import type { Lateness, Requests } from './requests'
import type { Seen } from './watch'

/** What the requests, the log calls and the outgoing calls that were seen tell. */
export function trafficFindings({ requests, sites, outgoing }: Seen): readonly Finding[] {
  const doors = loadedDoors()
  return [
    ...requestFindings(requests),
    ...mountFindings(requests, sites.sites()),
    ...lostFindings(sites.sites()),
    ...outlivedFindings(sites.sites()),
    ...outgoing.hosts().flatMap((calls) => callFindings(calls, doors)),
  ]
}

function requestFindings({ started, traced }: Requests): Finding[] {
  const count = started - traced
  if (count === 0) return []
  if (traced === 0) {
    return [
      finding('REQUESTS_UNTRACED', {
        message: `${counted(started, 'request')} came in, and none got a trace.`,
        cure: 'Mount traceMiddleware(), or traceKoa, traceFastify, traceHono, traceListener, before everything else.',
        count,
      }),
    ]
  }
  return [
    finding('REQUESTS_PARTLY_UNTRACED', {
      message: `${count} of ${counted(started, 'request')} got no trace: they were answered before the middleware, or by a server that has none.`,
      cure: 'Mount the middleware first in each app, if these are not requests that nobody wants to follow.',
      count,
    }),
  ]
}

/* Not the middleware's business: a request of an app that has none is told as such. */
function mountFindings({ late, twice, traced }: Requests, sites: readonly CallSite[]): Finding[] {
  const before = traced === 0 ? [] : sites.filter(({ beforeTrace, besideTrace }) => beforeTrace + besideTrace > 0)
  const lates = [...late].map(([room, lateness]) => lateFinding(room, lateness, before))
  const told = lates.some(({ code }) => code === 'MIDDLEWARE_LATE')
  return [
    ...lates,
    ...(told ? [] : before.map(besideFinding)),
    ...[...twice].map(([room, count]) =>
      finding('MIDDLEWARE_TWICE', {
        message: `The ${room} middleware of tracelane was mounted twice for ${counted(count, 'request')}. The second one keeps the trace of the first and ignores its own options.`,
        cure: 'Remove one of the two.',
        where: room,
        count,
      }),
    ),
  ]
}

function lateFinding(room: string, { count, waited, logged, risky, other }: Lateness, before: readonly CallSite[]): Finding {
  const names = [...risky, ...other].sort().join(', ')
  const isLate = waited > 0 || logged > 0 || risky.size > 0
  const facts = [
    ...(names === '' ? [] : [`it stands behind ${names}`]),
    ...(waited > 0 ? [`${counted(waited, 'request')} had waited for something before`] : []),
    ...before.map(
      ({ where, beforeTrace, besideTrace }) => `${counted(beforeTrace + besideTrace, 'line')} of ${where} had no trace id`,
    ),
  ]
  return finding(isLate ? 'MIDDLEWARE_LATE' : 'MIDDLEWARE_NOT_FIRST', {
    message: `The ${room} middleware of tracelane was not the first in ${counted(count, 'request')}: ${facts.join('; ')}.`,
    cure: 'Mount it before every other middleware, hook and plugin of the app.',
    where: room,
    count,
  })
}

function besideFinding({ where, beforeTrace, besideTrace, total }: CallSite): Finding {
  const count = beforeTrace + besideTrace
  return finding('MIDDLEWARE_LATE', {
    message: `${count} of ${counted(total, 'log call')} at ${where} had no trace id; they were made inside a request, but outside its middleware.`,
    cure: 'Mount the middleware of tracelane before the one that logs there.',
    where,
    count,
  })
}

function lostFindings(sites: readonly CallSite[]): Finding[] {
  return sites.flatMap(({ where, lost, total, trap }) => {
    if (lost === 0 || trap === undefined) return []
    return [
      finding('CONTEXT_LOST', {
        message: `${lost} of ${counted(total, 'log call')} at ${where} had no trace id while a request was served, so it was probably lost, by ${trap.likely}.`,
        cure: trap.cure,
        where,
        count: lost,
      }),
    ]
  })
}

function outlivedFindings(sites: readonly CallSite[]): Finding[] {
  return sites
    .filter(({ outlived }) => outlived > 0)
    .map(({ where, outlived, total }) =>
      finding('TRACE_OUTLIVES_REQUEST', {
        message: `${outlived} of ${counted(total, 'log call')} at ${where} had the trace id of a request that was answered more than ten seconds before.`,
        cure: 'If that is a heartbeat, a cache or a connection, start it in detach(fn); if it is a subscription or a job of its own, in forkTrace(fn).',
        where,
        count: outlived,
      }),
    )
}

const DOORS: Readonly<Record<OutgoingCalls['transport'], readonly string[]>> = {
  'node:http': ['axios', 'http-client', 'otel'],
  undici: ['fetch', 'undici', 'otel'],
}

function callFindings(
  { host, transport, library, total, untold }: Readonly<OutgoingCalls>,
  doors: ReadonlySet<string>,
): Finding[] {
  if (untold === 0) return []
  const by = library === undefined ? '' : ` (by ${library})`
  const message = `${untold} of ${counted(total, 'call')} to ${host}${by} that were made inside a trace carried no trace id.`
  const isWired = DOORS[transport].some((door) => doors.has(door))
  return [
    isWired
      ? finding('CALLS_NOT_TOLD', {
          message,
          cure: 'Give that client to the interceptor too, unless `targets` leaves the host out on purpose.',
          where: host,
          count: untold,
        })
      : finding('CALLS_UNTRACED', {
          message,
          cure: `Use ${interceptorOf(transport, library)}; see docs/guides/calls.md.`,
          where: host,
          count: untold,
        }),
  ]
}

function interceptorOf(transport: OutgoingCalls['transport'], library: string | undefined): string {
  if (library === 'axios') return 'traceAxios(axios) of tracelane/interceptors/axios'
  if (transport === 'node:http') return 'traceHttp of tracelane/interceptors/http'
  return 'traceFetch of tracelane/interceptors/fetch, or traceDispatcher of tracelane/interceptors/undici'
}
