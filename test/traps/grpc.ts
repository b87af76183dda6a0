import { ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js'
import { currentTraceId, extractTrace, runWithTrace } from 'tracelane'
import { traceClientInterceptor, traceServerInterceptor } from 'tracelane/interceptors/grpc'
import { CALLERS, type CallType, callerEvents, callTypes, together, watchedCall } from '../support/grpc-client-events'
import { Lanes, Sightings } from '../support/grpc-lanes'
import { caller, callOf, handlerEvents, NAMES, TRACES, watched } from '../support/grpc-server-events'
import type { Outcome } from './trap'

/** What was seen of each event, sorted by event. */
export type EventOutcomes = Readonly<Record<string, Outcome>>

/** The events of one type of call on one side. */
export interface GrpcTrap {
  readonly side: 'client' | 'server'
  readonly type: CallType
  /** Without our interceptor, on every line of Node.js. With it all are 'ok'. */
  readonly plain: EventOutcomes
  run(cured: boolean): Promise<EventOutcomes>
}

function outcomes(sightings: Sightings, expected: ReadonlyMap<string, string>, events: readonly string[]): EventOutcomes {
  const found = new Map<string, Set<Outcome>>(events.map((event) => [event, new Set()]))
  for (const [who, traceId] of expected) {
    for (const [event, seen] of Object.entries(sightings.table(who))) {
      for (const id of seen.split(' ')) found.get(event)?.add(id === traceId ? 'ok' : id === 'none' ? 'lost' : 'wrong')
    }
  }
  return Object.fromEntries([...found].map(([event, set]) => [event, summary(set)]))
}

function summary(set: ReadonlySet<Outcome>): Outcome {
  if (set.size === 0) throw new Error('an event was not seen')
  const bad = [...set].filter((outcome) => outcome !== 'ok').sort()
  return bad.length === 0 ? 'ok' : (bad.join(', ') as Outcome)
}

/* The first caller opens the session in whose flow Node then runs everything, so the one outside any trace is 'wrong' too. */
async function clientSide(type: CallType, cured: boolean): Promise<EventOutcomes> {
  const lanes = await Lanes.open(together(), { client: cured ? [traceClientInterceptor()] : [] })
  const sightings = new Sightings()
  const expected = new Map<string, string>()
  const call = (who: string) => (): Promise<void> => {
    expected.set(who, currentTraceId() ?? 'none')
    return watchedCall(type, lanes.client, who, sightings)
  }
  await Promise.all(CALLERS.map((who) => (who === 'outside' ? call(who)() : runWithTrace(call(who)))))
  lanes.close()
  return outcomes(sightings, expected, callerEvents[type])
}

/* What anybody would write: the trace is read where the metadata comes, and the rest runs in it. */
const bareInterceptor: ServerInterceptor = (_method, call) =>
  new ServerInterceptingCall(call, {
    start: (next) => next({ onReceiveMetadata: (metadata, go) => runWithTrace(extractTrace(metadata), () => go(metadata)) }),
  })

async function serverSide(type: CallType, cured: boolean): Promise<EventOutcomes> {
  const sightings = new Sightings()
  const { handlers, ended } = watched(sightings)
  const lanes = await Lanes.open(handlers, { server: [cured ? traceServerInterceptor() : bareInterceptor] })
  for (const who of NAMES) callOf(type, lanes, caller(who))
  await ended
  lanes.close()
  return outcomes(sightings, new Map(Object.entries(TRACES)), handlerEvents[type])
}

const SIDES = { client: clientSide, server: serverSide } as const

const EVENTS = { client: callerEvents, server: handlerEvents } as const

/* What is wrong on a side without our interceptor, and what is right nevertheless, measured alike on all lines of Node.js. */
const BAD = { client: 'wrong', server: 'lost' } as const
const FINE: Readonly<Record<GrpcTrap['side'], Readonly<Record<CallType, readonly string[]>>>> = {
  client: { Unary: ['await'], ClientStream: ['await'], ServerStream: ['for await'], Bidi: [] },
  server: { Unary: [], ClientStream: ['handler'], ServerStream: [], Bidi: ['handler'] },
}

function plainOf(side: GrpcTrap['side'], type: CallType): EventOutcomes {
  return Object.fromEntries(EVENTS[side][type].map((event) => [event, FINE[side][type].includes(event) ? 'ok' : BAD[side]]))
}

/** Every event of the four types of call, on both sides. */
export const GRPC_TRAPS: readonly GrpcTrap[] = (['client', 'server'] as const).flatMap((side) =>
  callTypes.map((type) => ({ side, type, plain: plainOf(side, type), run: (cured: boolean) => SIDES[side](type, cured) })),
)
