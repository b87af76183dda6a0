import { crypto, nodeModule, tls } from '../../internal/builtin'
import type { HttpTlsOptions } from '../http/tls'
import { readRefusal } from './encoder'
import { Refusal } from './failure'
import type { GrpcCall, GrpcClient, GrpcMetadata, GrpcPackage } from './grpc'
import type { RocketmqCredentials } from './options'

/** How proxies are reached. */
export interface ClientOptions {
  readonly endpoints: readonly string[]
  readonly clientId: string
  readonly timeoutMs: number
  readonly tls: HttpTlsOptions | false
  readonly credentials?: RocketmqCredentials
  readonly clientPath: string
}

const METHOD = '/apache.rocketmq.v2.MessagingService/SendMessage'
const CLOSED = 'the sink is closed'
const CHANNEL = {
  // A channel that is made after a failure shall not get the connection of the one before.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
} as const
const same = (bytes: Buffer): Buffer => bytes

/**
 * Sends messages through one proxy at a time, and after a failure through the next one, with a new connection: nothing else ends one that hangs.
 *
 * It speaks to the proxy itself; docs/decisions/0023-rocketmq-without-its-client.md says why.
 */
export class ProxyClient {
  readonly #options: ClientOptions
  readonly #id: string
  readonly #calls = new Set<GrpcCall>()
  #grpc: GrpcPackage | undefined
  #current: GrpcClient | undefined
  #turn = 0
  #closed = false

  constructor(options: ClientOptions) {
    this.#options = options
    this.#id = `${options.clientId}@${crypto().randomBytes(8).toString('hex')}`
  }

  /** Sends a request once. Rejects with a `Refusal`, with what gRPC says, or when `timeoutMs` are over. */
  async send(request: Buffer): Promise<void> {
    if (this.#closed) throw new Error(CLOSED)
    this.#grpc ??= this.#load()
    this.#current ??= this.#connect(this.#grpc)
    const client = this.#current
    let response: Buffer
    try {
      response = await this.#call(client, this.#grpc, request)
    } catch (error) {
      if (this.#closed) throw new Error(CLOSED)
      this.#drop(client)
      throw error
    }
    const refusal = readRefusal(response)
    if (refusal !== undefined) throw new Refusal(refusal)
  }

  /** Gives up what is on its way and closes connections. Idempotent. */
  close(): void {
    this.#closed = true
    for (const call of this.#calls) call.cancel()
    if (this.#current !== undefined) this.#drop(this.#current)
  }

  #load(): GrpcPackage {
    const { clientPath } = this.#options
    return nodeModule().createRequire(clientPath)(clientPath) as GrpcPackage
  }

  #connect({ Client, credentials }: GrpcPackage): GrpcClient {
    const { endpoints, tls: given } = this.#options
    const address = endpoints[this.#turn++ % endpoints.length] as string
    if (given === false) return new Client(address, credentials.createInsecure(), CHANNEL)
    const { ca, cert, key, passphrase, servername, rejectUnauthorized = true } = given
    const context = tls().createSecureContext({ ca: ca as string[], cert: cert as string, key: key as string, passphrase })
    const name = servername === undefined ? {} : { 'grpc.ssl_target_name_override': servername }
    return new Client(address, credentials.createFromSecureContext(context, { rejectUnauthorized }), { ...CHANNEL, ...name })
  }

  #call(client: GrpcClient, grpc: GrpcPackage, request: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + this.#options.timeoutMs
      const call = client.makeUnaryRequest(METHOD, same, same, request, this.#metadata(grpc), { deadline }, (error, value) => {
        this.#calls.delete(call)
        if (error === null) resolve(value as Buffer)
        else reject(error)
      })
      this.#calls.add(call)
    })
  }

  #metadata({ Metadata }: GrpcPackage): GrpcMetadata {
    const metadata = new Metadata()
    const { credentials } = this.#options
    const time = `${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}`
    metadata.set('x-mq-protocol', 'v2')
    metadata.set('x-mq-client-id', this.#id)
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

  /* Calls that are on their way come to their end. */
  #drop(client: GrpcClient): void {
    client.close()
    if (this.#current === client) this.#current = undefined
  }
}
