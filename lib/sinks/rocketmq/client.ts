import { callMetadata, loadGrpc, methodPath, openChannel, same, uniqueId } from './channel'
import { readRefusal } from './encoder'
import { Refusal } from './failure'
import type { GrpcCall, GrpcClient, GrpcPackage } from './grpc'
import type { RocketmqProxies } from './proxies'

/** How proxies are reached. */
export interface ClientOptions extends RocketmqProxies {
  readonly timeoutMs: number
}

const METHOD = methodPath('SendMessage')
const CLOSED = 'the sink is closed'

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
    this.#id = uniqueId(options.clientId)
  }

  /** Sends a request once. Rejects with a `Refusal`, with what gRPC says, or when `timeoutMs` are over. */
  async send(request: Buffer): Promise<void> {
    if (this.#closed) throw new Error(CLOSED)
    this.#grpc ??= loadGrpc(this.#options.clientPath)
    this.#current ??= openChannel(this.#grpc, this.#options, this.#turn++)
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

  #call(client: GrpcClient, grpc: GrpcPackage, request: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + this.#options.timeoutMs
      const metadata = callMetadata(grpc, this.#id, this.#options.credentials)
      const call = client.makeUnaryRequest(METHOD, same, same, request, metadata, { deadline }, (error, value) => {
        this.#calls.delete(call)
        if (error === null) resolve(value as Buffer)
        else reject(error)
      })
      this.#calls.add(call)
    })
  }

  /* Calls that are on their way come to their end. */
  #drop(client: GrpcClient): void {
    client.close()
    if (this.#current === client) this.#current = undefined
  }
}
