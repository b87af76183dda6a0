import { crypto, nodeModule, tls } from '../../internal/builtin'
import type { GrpcClient, GrpcMetadata, GrpcPackage } from './grpc'
import type { RocketmqCredentials, RocketmqProxies } from './proxies'

const OPTIONS = {
  // A channel that is made after a failure shall not get the connection of the one before.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
} as const

/** Requests and answers are bytes here. */
export const same = (bytes: Buffer): Buffer => bytes

/** Where gRPC finds a method of the protocol. */
export function methodPath(name: string): string {
  return `/apache.rocketmq.v2.MessagingService/${name}`
}

/** A name of this client that no other has. */
export function uniqueId(clientId: string): string {
  return `${clientId}@${crypto().randomBytes(8).toString('hex')}`
}

/** Loads `@grpc/grpc-js` from the file that was found at set-up. */
export function loadGrpc(clientPath: string): GrpcPackage {
  return nodeModule().createRequire(clientPath)(clientPath) as GrpcPackage
}

/** A channel to the proxy whose turn it is, with gRPC's `options`; it connects with its first call. Whoever opens it closes it. */
export function openChannel(
  { Client, credentials }: GrpcPackage,
  proxies: RocketmqProxies,
  turn: number,
  options: Readonly<Record<string, number>> = {},
): GrpcClient {
  const { tls: given } = proxies
  const address = addressAt(proxies, turn)
  const all = { ...OPTIONS, ...options }
  if (given === false) return new Client(address, credentials.createInsecure(), all)
  const { ca, cert, key, passphrase, servername, rejectUnauthorized = true } = given
  const context = tls().createSecureContext({ ca: ca as string[], cert: cert as string, key: key as string, passphrase })
  const name = servername === undefined ? {} : { 'grpc.ssl_target_name_override': servername }
  return new Client(address, credentials.createFromSecureContext(context, { rejectUnauthorized }), { ...all, ...name })
}

/** Where the proxy is whose turn it is, as `host:port`. */
export function addressAt({ endpoints }: Pick<RocketmqProxies, 'endpoints'>, turn: number): string {
  return endpoints[turn % endpoints.length] as string
}

/** The headers of a call, signed if there are credentials. */
export function callMetadata({ Metadata }: GrpcPackage, id: string, credentials: RocketmqCredentials | undefined): GrpcMetadata {
  const metadata = new Metadata()
  const time = `${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}`
  metadata.set('x-mq-protocol', 'v2')
  metadata.set('x-mq-client-id', id)
  // The proxy reads it as one of a list in which Node.js is not.
  metadata.set('x-mq-language', 'HTTP')
  metadata.set('x-mq-client-version', '5.0.0')
  metadata.set('x-mq-date-time', time)
  if (credentials === undefined) return metadata
  const { accessKey, accessSecret, securityToken } = credentials
  const signature = crypto().createHmac('sha1', accessSecret).update(time).digest('hex').toUpperCase()
  const parts = [`Credential=${accessKey}`, 'SignedHeaders=x-mq-date-time', `Signature=${signature}`]
  metadata.set('authorization', `MQv2-HMAC-SHA1 ${parts.join(', ')}`)
  if (securityToken !== undefined) metadata.set('x-mq-session-token', securityToken)
  return metadata
}
