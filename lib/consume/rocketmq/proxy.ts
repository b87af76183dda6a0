import {
  addressAt,
  callMetadata,
  type GrpcCall,
  type GrpcClient,
  type GrpcPackage,
  type GrpcTalk,
  loadGrpc,
  methodPath,
  openChannel,
  Refusal,
  type Status,
  same,
  uniqueId,
} from '../../sinks'
import { Fields } from './fields'
import type { RocketmqConsumerSettings } from './options'
import {
  ackRequest,
  assignmentRequest,
  brokersIn,
  fifoIn,
  heartbeatRequest,
  invisibleRequest,
  type Receipt,
  type ReceivedMessage,
  type Receiving,
  receivedMessage,
  receiveRequest,
  settingsCommand,
  terminationRequest,
} from './wire'

const OK = 20_000
const NOTHING_THERE = 40_401

/** One connection to one proxy, until it is closed. What fails rejects with a `Refusal`, or with what gRPC says. */
export class ConsumerProxy {
  readonly #settings: RocketmqConsumerSettings
  readonly #address: string
  readonly #grpc: GrpcPackage
  readonly #client: GrpcClient
  readonly #id: string
  readonly #receives = new Set<GrpcCall>()
  #talk: GrpcTalk | undefined

  /** `turn` says which proxy. Each one has its own name: a proxy must not take it for an earlier one. */
  constructor(settings: RocketmqConsumerSettings, turn: number) {
    const { proxies } = settings
    this.#settings = settings
    this.#address = addressAt(proxies, turn)
    this.#grpc = loadGrpc(proxies.clientPath)
    // A message may be as large as the brokers allow.
    this.#client = openChannel(this.#grpc, proxies, turn, { 'grpc.max_receive_message_length': -1 })
    this.#id = uniqueId(proxies.clientId)
  }

  /** Says what this client is, without which a proxy gives it nothing. Resolves with whether the group is a FIFO group; `onOver` hears when the proxy knows this client no more. */
  introduce(onOver: (error: unknown) => void): Promise<boolean> {
    const { timeoutMs } = this.#settings
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
      const over = (error: unknown): void => {
        clearTimeout(timer)
        reject(error)
        onOver(error)
      }
      this.#talk = this.#client.makeBidiStreamRequest(methodPath('Telemetry'), same, same, this.#metadata(), {})
      this.#talk
        .on('data', (command) => {
          const isFifo = fifoIn(command)
          const { code, message } = new Fields(command).status(1)
          // Who is refused is told why, and then the call ends.
          if (isFifo === undefined && code !== 0 && code !== OK) over(new Refusal({ code, message }))
          if (isFifo === undefined) return
          clearTimeout(timer)
          resolve(isFifo)
        })
        .on('error', over)
        .on('end', () => over(new Error('the proxy has hung up')))
        .write(settingsCommand(this.#settings, timeoutMs))
    })
  }

  /** The brokers that have queues of the topic. */
  async brokers(): Promise<string[]> {
    return brokersIn(await this.#ask('QueryAssignment', assignmentRequest(this.#settings, this.#address)))
  }

  /** Says that this client is alive. */
  async beat(): Promise<void> {
    await this.#ask('Heartbeat', heartbeatRequest(this.#settings))
  }

  /** What is there, or comes before the long poll is over, of queues that are not closed. */
  receive(receiving: Receiving): Promise<ReceivedMessage[]> {
    return new Promise((resolve, reject) => {
      const messages: ReceivedMessage[] = []
      let status: Status = { code: OK, message: '' }
      const deadline = Date.now() + receiving.longPollMs + this.#settings.timeoutMs
      const request = receiveRequest(this.#settings, receiving)
      const path = methodPath('ReceiveMessage')
      const call = this.#client.makeServerStreamRequest(path, same, same, request, this.#metadata(), { deadline })
      this.#receives.add(call)
      call
        .on('data', (bytes) => {
          const piece = new Fields(bytes)
          if (piece.has(1)) status = piece.status(1)
          if (piece.has(2)) messages.push(receivedMessage(piece.message(2)))
        })
        .on('error', (error) => {
          this.#receives.delete(call)
          reject(error)
        })
        .on('end', () => {
          this.#receives.delete(call)
          if (status.code === OK || status.code === NOTHING_THERE) resolve(messages)
          else reject(new Refusal(status))
        })
    })
  }

  /** These are handled. */
  async acknowledge(receipts: readonly Receipt[]): Promise<void> {
    const response = await this.#ask('AckMessage', ackRequest(this.#settings, receipts), true)
    const wrong = response
      .messages(2)
      .map((entry) => entry.status(3))
      .find(({ code }) => code !== OK)
    if (wrong !== undefined) throw new Refusal(wrong)
    refuse(response)
  }

  /** Keeps a message from others for so long from now on. Resolves with its new handle. */
  async keep(receipt: Receipt, invisibleMs: number): Promise<string> {
    const response = await this.#ask('ChangeInvisibleDuration', invisibleRequest(this.#settings, receipt, invisibleMs))
    return response.text(2) || receipt.handle
  }

  /** Says goodbye. */
  async leave(): Promise<void> {
    await this.#ask('NotifyClientTermination', terminationRequest(this.#settings))
  }

  /** Waits for no more messages. */
  stopReceiving(): void {
    for (const call of this.#receives) call.cancel()
  }

  close(): void {
    this.stopReceiving()
    this.#talk?.cancel()
    this.#client.close()
  }

  #ask(name: string, request: Buffer, hasEntries = false): Promise<Fields> {
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + this.#settings.timeoutMs
      this.#client.makeUnaryRequest(methodPath(name), same, same, request, this.#metadata(), { deadline }, (error, value) => {
        if (error !== null) {
          reject(error)
          return
        }
        const response = new Fields(value as Buffer)
        try {
          if (!hasEntries) refuse(response)
          resolve(response)
        } catch (refusal) {
          reject(refusal)
        }
      })
    })
  }

  #metadata() {
    return callMetadata(this.#grpc, this.#id, this.#settings.proxies.credentials)
  }
}

function refuse(response: Fields): void {
  const status = response.status(1)
  if (status.code !== OK) throw new Refusal(status)
}
