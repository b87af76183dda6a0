import { checkOptions, type Rule, rules } from '../../internal/options'
import { addressListRule } from '../address-list'
import { checkTls, type HttpTlsOptions, tlsRule } from '../http/tls'
import { findPeerFile } from '../peer-file'

/** Who this is, to proxies that ask. Nothing of it is ever shown. */
export interface RocketmqCredentials {
  readonly accessKey: string
  readonly accessSecret: string
  /** Of credentials that are lent for a while. */
  readonly securityToken?: string
}

/** How proxies are reached, by `rocketmqSink` and by `createRocketmqConsumer`. */
export interface RocketmqProxyOptions {
  /** Where the gRPC port of the proxies is, as `host:port`. The first is used; after a failure the next. */
  readonly endpoints: readonly string[]
  /**
   * How this program is called in the logs of the proxies; a random number is added.
   * @default 'tracelane'
   */
  readonly clientId?: string
  /**
   * What TLS needs beside Node's own certificates, as PEM texts; `{}` for TLS without more, false for none.
   * @default false
   */
  readonly tls?: HttpTlsOptions | false
  /** Who this is, to proxies that ask. */
  readonly credentials?: RocketmqCredentials
  /** The file of the package `@grpc/grpc-js`, if it is not found from the application. */
  readonly clientPath?: string
}

/** With all that has a default. */
export type RocketmqProxies = Required<Omit<RocketmqProxyOptions, 'credentials'>> & Pick<RocketmqProxyOptions, 'credentials'>

const CREDENTIAL_RULES: Readonly<Record<keyof RocketmqCredentials, Rule>> = {
  // They stand in headers.
  accessKey: (value) => (isHeaderText(value) ? undefined : 'printable ASCII characters without spaces and commas'),
  accessSecret: (value) => (typeof value === 'string' && value !== '' ? undefined : 'a text'),
  securityToken: (value) => (isHeaderText(value) ? undefined : 'printable ASCII characters without spaces and commas'),
}

/** What a topic is called. */
export const rocketmqTopicRule: Rule = (value) =>
  typeof value === 'string' && /^[\w%|-]{1,127}$/.test(value) ? undefined : 'letters, digits, dashes and underscores, at most 127'

/** What these options must look like at first sight. */
export const proxyRules: Readonly<Record<keyof RocketmqProxyOptions, Rule>> = {
  endpoints: addressListRule('proxy.example:8081'),
  clientId: (value) => (typeof value === 'string' && /^[\w.@-]+$/.test(value) ? undefined : 'letters, digits, dots and dashes'),
  tls: (value) => (value === false ? undefined : tlsRule(value)),
  credentials: (value) => (typeof value === 'object' && value !== null ? undefined : 'an object with accessKey and accessSecret'),
  clientPath: rules.string,
}

function isHeaderText(value: unknown): boolean {
  return typeof value === 'string' && /^[\x21-\x2b\x2d-\x7e]+$/.test(value)
}

/** A frozen copy with defaults, of options that passed `proxyRules`; throws ERR_TRACELANE_OPTION_* and ERR_TRACELANE_PEER_MISSING. */
export function checkProxies(owner: string, given: RocketmqProxyOptions): RocketmqProxies {
  const { endpoints, clientId = 'tracelane', tls = false, credentials } = given
  if (credentials !== undefined) {
    checkOptions(`${owner}: credentials`, credentials, CREDENTIAL_RULES, ['accessKey', 'accessSecret'])
  }
  return Object.freeze({
    endpoints: Object.freeze([...endpoints]),
    clientId,
    tls: tls === false ? false : checkTls(owner, tls),
    ...(credentials === undefined ? {} : { credentials: Object.freeze({ ...credentials }) }),
    clientPath: given.clientPath ?? findPeerFile('@grpc/grpc-js'),
  })
}
