import { checkOptions, type Rule, rules } from '../../internal/options'
import { type KeptBatch, keepBatch } from '../batch-part'
import { checkOneForm, checkReadable } from '../line-form'
import { sinkRule } from '../read-sink'
import type { AsyncSink, SinkSpec } from '../sink'
import { checkCondition, compileCondition, type EventCondition, EventView, readsLines } from './condition'
import { FATE, Fates } from './fates'
import { openWhenNeeded } from './idle-sink'
import { checkApart, readInner } from './inner'
import type { Opening } from './opening'
import { Looked, preparing } from './preparing'
import { checkOneMode } from './sending'
import { spools } from './structure'
import { wrong } from './wrong'

/** One way for events. */
export interface Route {
  /** What events are like that take it; of a list, one is enough. */
  readonly when: EventCondition | readonly EventCondition[]
  /** Where they go. Of a list each gets a share of the traces, a trace always the same one; what is in no trace goes to the first. */
  readonly to: SinkSpec | readonly SinkSpec[]
}

/** Options of `routing`. */
export interface RoutingOptions {
  /** The first one that an event fits is taken. */
  readonly routes: readonly Route[]
  /** Where events go that fit none; `drop` leaves them out, and counts them as `filtered`. */
  readonly otherwise: SinkSpec | 'drop'
  /**
   * After how long without an event a sink is closed, until the next one, in milliseconds from 1 to 86,400,000.
   * @default 1800000
   */
  readonly idleMs?: number
}

/** `routing(...)` as data. */
export interface RoutingSpec {
  readonly kind: 'routing'
  readonly options: {
    readonly routes: readonly { readonly when: readonly EventCondition[]; readonly to: readonly SinkSpec[] }[]
    readonly otherwise: SinkSpec | 'drop'
    readonly idleMs: number
  }
}

const routesRule: Rule = (value) =>
  Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'object' && one !== null)
    ? undefined
    : 'a list of routes, each { when, to }'
const some: Rule = (value) => (value === undefined ? 'given' : undefined)
const otherwiseRule: Rule = (value) => (value === 'drop' ? undefined : sinkRule(value) && `'drop', or ${sinkRule(value)}`)

/**
 * Several sinks, of which each event goes to one. A sink is opened with its first event.
 *
 * Throws ERR_TRACELANE_OPTION_* for wrong options; docs/reference/sinks/decorators.md.
 */
export function routing(options: RoutingOptions): RoutingSpec {
  const known = { routes: routesRule, otherwise: otherwiseRule, idleMs: rules.integer(1, 86_400_000) }
  checkOptions('routing', options, known, ['routes', 'otherwise'])
  const { otherwise, idleMs = 1_800_000 } = options
  const routes = options.routes.map((route, i) => readRoute(`routing: route ${i + 1}`, route))
  const last = otherwise === 'drop' ? otherwise : readInner('routing: otherwise', otherwise)
  const sinks = [...routes.flatMap(({ to }) => to), ...(last === 'drop' ? [] : [last])]
  checkApart('routing', sinks)
  checkOneForm('routing', sinks)
  checkOneMode('routing', sinks)
  if (routes.some(({ when }) => when.some(readsLines))) checkReadable('routing', sinks)
  return Object.freeze({ kind: 'routing', options: Object.freeze({ routes: Object.freeze(routes), otherwise: last, idleMs }) })
}

function readRoute(owner: string, route: Route): RoutingSpec['options']['routes'][number] {
  checkOptions(owner, route, { when: some, to: some }, ['when', 'to'])
  const conditions = [route.when].flat() as readonly EventCondition[]
  const sinks = [route.to].flat() as readonly SinkSpec[]
  if (conditions.length === 0) throw wrong(`${owner}: 'when' must not be empty`)
  if (sinks.length === 0) throw wrong(`${owner}: 'to' must not be empty`)
  return Object.freeze({
    when: Object.freeze(conditions.map((one) => checkCondition(`${owner}: when`, one))),
    to: Object.freeze(sinks.map((one) => readInner(owner, one))),
  })
}

interface OpenRoute {
  readonly fits: (event: EventView) => boolean
  readonly sinks: readonly AsyncSink[]
}

/** Opens it on this thread. */
export function openRouting({ routes, otherwise, idleMs }: RoutingSpec['options'], opening: Opening): AsyncSink {
  // What lies in a spool is sent as long as that is open.
  const restMs = (spec: SinkSpec): number => (spools(spec) ? Infinity : idleMs)
  const lazy = (spec: SinkSpec): AsyncSink => openWhenNeeded(() => opening.open(spec), restMs(spec), opening.timing)
  const open: OpenRoute[] = routes.map(({ when, to }) => {
    const conditions = when.map(compileCondition)
    return { fits: (event) => conditions.some((fits) => fits(event)), sinks: to.map(lazy) }
  })
  if (otherwise !== 'drop') open.push({ fits: () => true, sinks: [lazy(otherwise)] })

  const sinkFor = (event: EventView): AsyncSink | undefined => {
    const sinks = open.find(({ fits }) => fits(event))?.sinks
    return sinks?.[shareOf(event.row.traceId, sinks.length)]
  }

  /* The rows that go to each sink, in order. */
  const rowsBySink = (whole: KeptBatch): Map<AsyncSink | undefined, number[]> => {
    const found = new Map<AsyncSink | undefined, number[]>()
    whole.rows().forEach((row, i) => {
      const sink = sinkFor(new EventView(whole.lines, row))
      const rows = found.get(sink)
      if (rows === undefined) found.set(sink, [i])
      else rows.push(i)
    })
    return found
  }

  /* The same, and the batch that they are. */
  const ways = new Looked((whole) =>
    [...rowsBySink(whole)].map(([sink, rows]) => ({ sink, rows, part: sink === undefined ? undefined : whole.part(rows) })),
  )

  return {
    ...preparing(
      open.flatMap(({ sinks }) => sinks),
      (batch) => {
        for (const { sink, part } of ways.at(keepBatch(batch))) if (part !== undefined) sink?.prepare?.(part)
      },
    ),
    async send(batch) {
      const whole = keepBatch(batch)
      const fates = new Fates(whole.rows().length)
      const sends = ways.at(whole).map(async ({ sink, rows, part }) => {
        if (sink !== undefined && part !== undefined) fates.enter(await sink.send(part), rows)
        else for (const row of rows) fates.set(row, FATE.filtered)
      })
      await Promise.all(sends)
      return fates.result()
    },
    async close() {
      await Promise.all(open.flatMap(({ sinks }) => sinks).map((sink) => sink.close()))
    },
  }
}

/* The last 8 digits are random in every version of trace ids; the first ones may be a time. */
function shareOf(traceId: string | undefined, shares: number): number {
  return traceId === undefined || shares === 1 ? 0 : (Number.parseInt(traceId.slice(-8), 16) || 0) % shares
}
