import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tempFolder } from '../../support'

/** A message as the sink gives it to its client. */
export interface SentMessage {
  readonly key: Buffer
  readonly value: Buffer
  readonly headers: ReadonlyMap<Buffer, Buffer>
  readonly partition: number
}

/** What a producer of the client does with a send: resolves, rejects, or never answers. */
export type Script = (messages: readonly SentMessage[], producer: number) => Promise<unknown>

/** A client package whose brokers do what a test says, for faults that a real broker has once a year. */
export interface ScriptedClient {
  /** For the option `clientPath`. */
  readonly path: string
  /** The options of each producer that was made. */
  readonly made: readonly Readonly<Record<string, unknown>>[]
  /** How many of them were closed. */
  readonly closed: () => number
}

const PARTITIONS = 4

export function scriptedClient(script: Script): ScriptedClient {
  const path = join(tempFolder(), 'client.mjs')
  const state = { made: [] as Record<string, unknown>[], closed: 0 }
  const name = `tracelane.test.${path}`
  Object.assign(globalThis, {
    [name]: (options: Record<string, unknown>) => {
      const number = state.made.push(options) - 1
      return {
        connections: Object.assign([], { on: () => {} }),
        currentMetadata: { topics: new Map([['logs', { partitionsCount: PARTITIONS }]]) },
        send: ({ messages }: { messages: readonly SentMessage[] }) => script(messages, number),
        close: async () => {
          state.closed++
        },
      }
    },
  })
  writeFileSync(path, `export function Producer(options) { return globalThis[${JSON.stringify(name)}](options) }\n`)
  return { path, made: state.made, closed: () => state.closed }
}

/** An error as the client makes it of what brokers answer. */
export function answered(apiId: string, found: object = {}): Error {
  const inner = Object.assign(new Error(`${apiId}: secret of the broker`), { code: 'PLT_KFK_PROTOCOL', apiId })
  const response = Object.assign(new AggregateError([inner], 'Received response with error'), { code: 'PLT_KFK_RESPONSE' }, found)
  return Object.assign(new AggregateError([response], 'Producing messages failed.'), { code: 'PLT_KFK_MULTIPLE' })
}

/** The part of a response that says that these partitions have what they got. */
export function responseOf(errorCodes: Readonly<Record<number, number>>): object {
  const partitionResponses = Object.entries(errorCodes).map(([index, errorCode]) => ({ index: Number(index), errorCode }))
  return { response: { responses: [{ name: 'logs', partitionResponses }] } }
}
