import { Metadata } from '@grpc/grpc-js'
import { type LanesClient, type LanesHandlers, Meeting, type Sightings } from './grpc-lanes'

/** The callers whose calls interleave. */
export const CALLERS = ['A', 'B', 'outside'] as const
/** More than a stream's high-water mark of 16 messages, so that 'drain' comes. */
const MANY = 20

/** Every event of a call that succeeds, as its caller sees it. */
export const callerEvents = {
  Unary: ['await', 'callback', 'metadata', 'status'],
  ClientStream: ['await', 'callback', 'close', 'drain', 'finish', 'metadata', 'status', 'write callback'],
  ServerStream: ['close', 'data', 'end', 'for await', 'metadata', 'status'],
  Bidi: ['close', 'data', 'drain', 'end', 'finish', 'metadata', 'status', 'write callback'],
} as const

/** The four types of call. */
export type CallType = keyof typeof callerEvents
/** All of them. */
export const callTypes = Object.keys(callerEvents) as CallType[]

/** Handlers that answer when all callers are there, so that their replies come in one go. */
export function together(): LanesHandlers {
  const meeting = new Meeting(CALLERS.length)
  return {
    async Unary(_call, callback) {
      await meeting.arrive()
      callback(null, { text: 'done' })
    },
    ClientStream(call, callback) {
      call.resume().on('end', async () => {
        await meeting.arrive()
        callback(null, { text: 'done' })
      })
    },
    async ServerStream(call) {
      if (call.request.text !== 'iterate') await meeting.arrive()
      for (let i = 0; i < 3; i++) call.write({ text: String(i) })
      call.end()
    },
    Bidi(call) {
      call.resume().on('end', async () => {
        await meeting.arrive()
        for (let i = 0; i < 3; i++) call.write({ text: String(i) })
        call.end()
      })
    },
  }
}

/** Makes a call and notes the trace of each of its events; resolves when all of them have come. */
export async function watchedCall(type: CallType, client: LanesClient, who: string, sightings: Sightings): Promise<void> {
  const ended = (call: NodeJS.EventEmitter, last: string): Promise<void> =>
    new Promise((resolve) => call.on(last, () => resolve()))
  const note = (event: string) => (): void => sightings.note(who, event)
  if (type === 'Unary') {
    await new Promise<void>((resolve) => {
      const call = client.Unary({ text: 'x' }, new Metadata(), {}, note('callback'))
      sightings.watch(who, call, ['metadata', 'status'])
      call.on('status', () => resolve())
    })
    return note('await')()
  }
  if (type === 'ServerStream') {
    const call = client.ServerStream({ text: 'x' }, new Metadata())
    sightings.watch(who, call, ['metadata', 'status', 'data', 'end', 'close'])
    await Promise.all([ended(call, 'close'), ended(call, 'status')])
    for await (const _message of client.ServerStream({ text: 'iterate' }, new Metadata())) note('for await')()
    return
  }
  const call = type === 'Bidi' ? client.Bidi(new Metadata()) : client.ClientStream(new Metadata(), {}, note('callback'))
  sightings.watch(who, call, ['metadata', 'status', 'drain', 'finish', 'close', ...(type === 'Bidi' ? ['data', 'end'] : [])])
  const all = Promise.all([ended(call, 'close'), ended(call, 'status')])
  for (let i = 0; i < MANY; i++) call.write({ text: String(i) }, note('write callback'))
  call.once('drain', () => call.end())
  await all
  if (type === 'ClientStream') note('await')()
}
