import { type ForeignIds, foreignPropagator, paddedId } from './foreign-ids'
import { type Getter, type Propagator, single, trimWhiteSpace } from './propagator'

/*
 * https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
 *
 *   X-Amzn-Trace-Id: Root=1-{8 hex digits}-{24 hex digits};Parent={16 hex digits};Sampled={0 | 1 | ?}
 *
 * in any order, with other members (Self, Lineage) between; a load balancer sends Root alone
 */
const HEADER = 'x-amzn-trace-id'
const MAX_LENGTH = 1024
const ROOT = /^1-([0-9a-f]{8})-([0-9a-f]{24})$/
const PARENT = /^[0-9a-f]{16}$/
const SAMPLED = /^[01?]?$/

/** AWS X-Ray's `X-Amzn-Trace-Id`. The trace id is the two parts of `Root`, one after the other. */
export const xray: Propagator = foreignPropagator({
  fields: [HEADER],

  parse(carrier, getter) {
    return read(carrier, getter)
  },

  write({ traceId, spanId }, sampled, carrier, setter) {
    const root = `1-${traceId.slice(0, 8)}-${traceId.slice(8)}`
    setter.set(carrier, HEADER, `Root=${root};Parent=${spanId};Sampled=${sampled ? '1' : '0'}`)
  },
})

function read<C>(carrier: C, getter: Getter<C>): ForeignIds | 'invalid' | undefined {
  const values = getter.get(carrier, HEADER)
  if (values === undefined) return undefined
  const header = single(values)
  const members = header === undefined || header.length > MAX_LENGTH ? undefined : membersOf(header)
  if (members === undefined) return 'invalid'
  const [, time = '', random = ''] = ROOT.exec(members.get('root')?.toLowerCase() ?? '') ?? []
  const traceId = time === '' ? undefined : paddedId(time + random, 32)
  const parent = members.get('parent')?.toLowerCase()
  const spanId = parent !== undefined && PARENT.test(parent) ? paddedId(parent, 16) : undefined
  const state = members.get('sampled') ?? ''
  if (traceId === undefined || !SAMPLED.test(state) || (parent !== undefined && spanId === undefined)) return 'invalid'
  return { traceId, spanId, sampled: state !== '0' }
}

/* undefined if a member is there twice */
function membersOf(header: string): ReadonlyMap<string, string> | undefined {
  const members = new Map<string, string>()
  for (const piece of header.split(';')) {
    const equals = piece.indexOf('=')
    if (equals === -1) continue
    const key = trimWhiteSpace(piece.slice(0, equals)).toLowerCase()
    if (members.has(key)) return undefined
    members.set(key, trimWhiteSpace(piece.slice(equals + 1)))
  }
  return members
}
