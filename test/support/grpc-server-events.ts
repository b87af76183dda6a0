import type { Metadata } from '@grpc/grpc-js'
import { type Lanes, type LanesHandlers, Meeting, metadataOf, type Sightings } from './grpc-lanes'

/** The traces of the callers. */
export const TRACES: Readonly<Record<string, string>> = { A: 'a'.repeat(32), B: 'b'.repeat(32) }
/** The callers. */
export const NAMES = ['A', 'B']
/** More than a stream's high-water mark of 16 messages, so that 'drain' comes. */
const MANY = 20

/** Every event of a call, as its handler sees it. */
export const handlerEvents = {
  Unary: ['await', 'cancelled', 'handler', 'timer'],
  ClientStream: ['await', 'cancelled', 'close', 'data', 'end', 'handler'],
  ServerStream: ['await', 'cancelled', 'close', 'drain', 'finish', 'handler', 'write callback'],
  Bidi: ['await', 'cancelled', 'close', 'data', 'drain', 'end', 'finish', 'handler', 'write callback'],
} as const

/** The four types of call. */
export type CallType = keyof typeof handlerEvents
/** All of them. */
export const callTypes = Object.keys(handlerEvents) as CallType[]

/** The metadata of a caller. */
export function caller(who: string, extra: Readonly<Record<string, string>> = {}): Metadata {
  return metadataOf({ who, traceparent: `00-${TRACES[who]}-1111111111111111-03`, ...extra })
}

/** Whose call it is. */
export function whoOf({ metadata }: { metadata: Metadata }): string {
  return String(metadata.get('who')[0])
}

interface Writer {
  write(message: { text: string }, callback: () => void): boolean
  once(event: 'drain', listener: () => void): unknown
}

/** Writes more than the stream takes at once. */
export async function writeMany(writer: Writer, written: () => void): Promise<void> {
  const drained = new Promise<void>((resolve) => writer.once('drain', resolve))
  for (let i = 0; i < MANY; i++) writer.write({ text: String(i) }, written)
  await drained
}

/** Handlers that note the trace of each event, and the promise that all their calls have ended. */
export function watched(sightings: Sightings): { handlers: LanesHandlers; ended: Promise<void> } {
  const meeting = new Meeting(NAMES.length)
  const ending = new Meeting(NAMES.length * 2)
  const note = (call: { metadata: Metadata }, event: string): void => sightings.note(whoOf(call), event)
  const handlers: LanesHandlers = {
    async Unary(call, callback) {
      note(call, 'handler')
      sightings.watch(whoOf(call), call, ['cancelled'])
      call.on('cancelled', () => {
        ending.arrive()
        ending.arrive()
      })
      await meeting.arrive()
      note(call, 'await')
      setImmediate(() => {
        note(call, 'timer')
        callback(null, { text: 'done' })
      })
    },
    ClientStream(call, callback) {
      note(call, 'handler')
      sightings.watch(whoOf(call), call, ['cancelled', 'close', 'data', 'end'])
      for (const last of ['cancelled', 'close']) call.on(last, () => ending.arrive())
      call.on('end', async () => {
        await meeting.arrive()
        note(call, 'await')
        callback(null, { text: 'done' })
      })
    },
    async ServerStream(call) {
      note(call, 'handler')
      sightings.watch(whoOf(call), call, ['cancelled', 'close', 'drain', 'finish'])
      for (const last of ['cancelled', 'close']) call.on(last, () => ending.arrive())
      await meeting.arrive()
      note(call, 'await')
      await writeMany(call, () => note(call, 'write callback'))
      call.end()
    },
    Bidi(call) {
      note(call, 'handler')
      sightings.watch(whoOf(call), call, ['cancelled', 'close', 'data', 'drain', 'end', 'finish'])
      for (const last of ['cancelled', 'close']) call.on(last, () => ending.arrive())
      call.on('end', async () => {
        await meeting.arrive()
        note(call, 'await')
        await writeMany(call, () => note(call, 'write callback'))
        call.end()
      })
    },
  }
  return { handlers, ended: ending.all }
}

/** The server is closed when its own events have come, which may be before the client has its status. */
export const ignore = (): undefined => undefined

/** Makes a call of `type`. */
export function callOf(type: CallType, lanes: Lanes, metadata: Metadata): void {
  const { client } = lanes
  const many = Array.from({ length: 3 }, (_, i) => ({ text: String(i) }))
  if (type === 'Unary') client.Unary({ text: 'x' }, metadata, {}, ignore)
  else if (type === 'ServerStream') client.ServerStream({ text: 'x' }, metadata).on('error', ignore).resume()
  else {
    const call = type === 'Bidi' ? client.Bidi(metadata).resume() : client.ClientStream(metadata, {}, ignore)
    call.on('error', ignore)
    for (const message of many) call.write(message)
    call.end()
  }
}
