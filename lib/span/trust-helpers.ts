import type { BlockList } from 'node:net'
import { TracelaneError } from '../errors'
import { crypto, net } from '../internal/builtin'
import { checkOptions, rules } from '../internal/options'
import { anyGetter, type Carrier } from '../propagation'

/** What `trustCidr` and `trustSecret` look at: a request of Node's own HTTP server, or the caller of a gRPC call. */
export interface TrustSubject {
  readonly socket?: { readonly remoteAddress?: string | undefined }
  /** `address:port`. */
  readonly peer?: string | undefined
  readonly headers?: unknown
  readonly metadata?: unknown
}

/** Options of `trustSecret`. */
export interface TrustSecretOptions {
  /** The header or metadata key that carries the secret, in any case. */
  readonly header: string
  /** The secret, or several of which each will do (while it is changed). */
  readonly secret: string | readonly string[]
}

const MAPPED = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i
const MAX_SECRET = 4096

/**
 * Trusts callers by the address of the connection: `trust: trustCidr(['10.0.0.0/8', '::1'])`, each an address or a network.
 *
 * Behind a proxy the connection is the proxy's. Headers such as `x-forwarded-for` are not looked at, because anybody can send them. Throws
 * ERR_TRACELANE_OPTION_INVALID for what is no address.
 */
export function trustCidr(networks: readonly string[]): (caller: TrustSubject) => boolean {
  const list = new (net().BlockList)()
  if (!Array.isArray(networks)) throw wrongNetwork(typeof networks)
  for (const network of networks) addNetwork(list, network)
  return ({ socket, peer }) => {
    const address = (socket?.remoteAddress ?? hostOf(peer))?.replace(MAPPED, '').replace(/%.*$/s, '')
    const family = net().isIP(address ?? '')
    return address !== undefined && family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
}

/**
 * Trusts callers that send a shared secret: `trust: trustSecret({ header: 'x-mesh-key', secret })`. It is compared in constant time,
 * and a header that is sent twice counts as none. Throws ERR_TRACELANE_OPTION_* for wrong options.
 */
export function trustSecret(options: TrustSecretOptions): (caller: TrustSubject) => boolean {
  const secretRule = (value: unknown): string | undefined =>
    [value].flat().length > 0 && [value].flat().every((one) => rules.string(one) === undefined)
      ? undefined
      : 'a text that is not empty, or a list of such'
  checkOptions('trustSecret', options, { header: rules.string, secret: secretRule }, ['header', 'secret'])
  const header = options.header.toLowerCase()
  const digests = [options.secret].flat().map(digestOf)
  return ({ headers, metadata }) => {
    const carrier = headers ?? metadata
    const given = typeof carrier === 'object' && carrier !== null ? anyGetter.get(carrier as Carrier, header) : undefined
    if (typeof given !== 'string' || given.length > MAX_SECRET) return false
    const digest = digestOf(given)
    // No early end: how long it takes must not tell which secret it was.
    return digests.reduce((found, known) => crypto().timingSafeEqual(known, digest) || found, false)
  }
}

/* Digests have one length, so that the comparison does not tell that of the secret. */
function digestOf(text: string): Buffer {
  return crypto().createHash('sha256').update(text).digest()
}

function addNetwork(list: BlockList, network: unknown): void {
  const [address = '', prefix, ...more] = typeof network === 'string' ? network.split('/') : []
  const family = net().isIP(address)
  const bits = family === 6 ? 128 : 32
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
  if (family === 0 || more.length > 0 || !(length <= bits)) throw wrongNetwork(`'${String(network)}'`)
  list.addSubnet(address, length, family === 6 ? 'ipv6' : 'ipv4')
}

function wrongNetwork(what: string): TracelaneError {
  return new TracelaneError(
    'ERR_TRACELANE_OPTION_INVALID',
    `trustCidr takes a list of addresses and networks such as '10.0.0.0/8' and '::1', not ${what}`,
  )
}

/* grpc-js gives `127.0.0.1:50051`, `::1:50051`, and `[::1]:50051` in other places. */
function hostOf(peer: string | undefined): string | undefined {
  return peer?.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}
