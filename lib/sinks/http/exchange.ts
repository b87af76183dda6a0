import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import type { Socket } from 'node:net'

/** What came back of one request. */
export type Reply =
  | { readonly head: IncomingMessage; readonly body: Buffer }
  /** No answer. `stale`: on a connection that was used before, and that the server had closed. */
  | { readonly head?: undefined; readonly failure: string; readonly stale: boolean }

/** The bounds of one request, in milliseconds and bytes. */
export interface Bounds {
  readonly connectTimeoutMs: number
  readonly timeoutMs: number
  readonly maxResponseBytes: number
}

type Request = (options: RequestOptions) => ClientRequest

/* What a socket says whose other end has gone. */
const GONE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE'])

/**
 * Sends one request and reads the answer, with all that can happen on the way. Never rejects.
 *
 * The head of an answer is what counts: if the body breaks off, is too long or does not end in time, the connection is given up and the reply
 * has as much as came. Neither timers nor sockets keep the process alive.
 */
export function exchange(request: Request, options: RequestOptions, body: Uint8Array, bounds: Bounds): Promise<Reply> {
  return new Promise((resolve) => {
    const made = request(options)
    const chunks: Buffer[] = []
    let head: IncomingMessage | undefined
    const done = (failure: string, code?: string): void => {
      clearTimeout(connecting)
      clearTimeout(whole)
      const stale = made.reusedSocket && GONE.has(code ?? '')
      resolve(head === undefined ? { failure, stale } : { head, body: Buffer.concat(chunks) })
    }
    const giveUp = (failure: string): void => {
      done(failure)
      made.destroy()
    }
    const connecting = after(bounds.connectTimeoutMs, () => giveUp(`no connection within ${bounds.connectTimeoutMs} ms`))
    const whole = after(bounds.timeoutMs, () => giveUp(`no answer within ${bounds.timeoutMs} ms`))

    made.on('socket', (socket) => {
      socket.unref()
      onceConnected(socket, () => clearTimeout(connecting))
    })
    made.on('response', (response) => {
      head = response
      let left = bounds.maxResponseBytes
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk.subarray(0, left))
        left -= chunk.length
        if (left < 0) giveUp('')
      })
      response.on('end', () => done(''))
      response.on('error', () => done(''))
    })
    made.on('error', (error: NodeJS.ErrnoException) => done(failureOf(error), error.code))
    // The last that is heard of a request: whatever else went on, nothing will come.
    made.on('close', () => done('the connection was closed before an answer'))
    made.end(body)
  })
}

function after(ms: number, then: () => void): NodeJS.Timeout {
  return setTimeout(then, ms).unref()
}

function onceConnected(socket: Socket, then: () => void): void {
  const { encrypted, secureConnecting } = socket as { encrypted?: boolean; secureConnecting?: boolean }
  if (encrypted === true ? secureConnecting === false : !socket.connecting) then()
  else socket.once(encrypted === true ? 'secureConnect' : 'connect', then)
}

/* Several addresses were tried: the message of the whole is empty then. */
function failureOf(error: NodeJS.ErrnoException): string {
  const { message } = error instanceof AggregateError ? (error.errors[0] as Error) : error
  return message || error.code || 'unknown'
}
