import type { CallStack } from './stack'

/** Why a flow that serves a request may have lost its trace, and what helps; see docs/reference/context-traps.md. */
export interface Trap {
  readonly likely: string
  readonly cure: string
}

interface Sign {
  readonly sign: RegExp
  readonly trap: Trap
}

/* In this order: the stack of each also shows the ones below it. */
const SIGNS: readonly Sign[] = [
  {
    sign: /\b(MessagePort|kOnMessage|Worker\.\[?)/,
    trap: {
      likely: 'a message of a worker thread, which runs in no trace',
      cure: 'Send serializeTrace() with the message, and handle it in runWithTrace(trace, fn).',
    },
  },
  {
    sign: /node:internal\/child_process/,
    trap: {
      likely: 'a message of another process, which runs in no trace',
      cure: 'Send serializeTrace() with the message, and handle it in runWithTrace(trace, fn).',
    },
  },
  {
    sign: /kHybridDispatch|AbortSignal|EventTarget/,
    trap: {
      likely: 'a listener of an AbortSignal or EventTarget, which runs in the flow that dispatches the event',
      cure: 'Wrap the listener in bindTrace(listener).',
    },
  },
  {
    sign: /\b(IncomingMessage|ServerResponse)\.emit\b|abortIncoming|socketOnClose/,
    trap: {
      likely: 'an event of a request that was broken off, which Node emits outside the request',
      cure: 'Mount the middleware of tracelane before everything else: it ties the events of req and res to the trace.',
    },
  },
  {
    sign: /\b(finished|pipeline|eos|onfinish|endReadableNT)\b.*node:internal\/streams/,
    trap: {
      likely: 'the callback of a stream that another flow has ended',
      cure: 'Wrap the callback in bindTrace(callback), or await the form of node:stream/promises.',
    },
  },
  {
    sign: /\bemit \(node:events|\.emit\b.*node:events|\[as emit\]/,
    trap: {
      likely: 'a listener of an emitter or stream that several flows share, which runs in the flow that emits',
      cure: 'Call bindEmitter(emitter) once, before listeners are added, or wrap the listener in bindTrace(listener).',
    },
  },
  {
    sign: /node:internal\/stream_base_commons|node:net:/,
    trap: {
      likely: 'a callback that a connection or pool has kept, which runs in the flow of the connection',
      cure: 'Use the promise form of the library, or wrap the callback in bindTrace(callback).',
    },
  },
]

const KEPT: Trap = {
  likely: 'a callback that a pool, queue or batch has kept and called from elsewhere',
  cure: 'Wrap the callback in bindTrace(callback) where it is given away, or use the promise form of the library.',
}

/** What the stack of a log call without trace speaks for. */
export function trapOf({ text, packages }: Pick<CallStack, 'text' | 'packages'>): Trap {
  const trap = SIGNS.find(({ sign }) => sign.test(text))?.trap ?? KEPT
  const library = packages.find((name) => !LOGGERS.has(name))
  return library === undefined ? trap : { ...trap, likely: `${trap.likely} (${library} is on the stack)` }
}

/** Whether nothing but a timer, or a promise, led to the call: those keep the trace, so it was begun outside any. */
export function isBackground({ text }: Pick<CallStack, 'text'>): boolean {
  return !SIGNS.some(({ sign }) => sign.test(text)) && /node:internal\/(timers|process\/task_queues|modules|main)/.test(text)
}

/** Packages that stand between the application and an adapter. */
export const LOGGERS: ReadonlySet<string> = new Set([
  ...['pino', 'winston', 'logform', 'winston-transport', 'readable-stream'],
  ...['bunyan', 'log4js'],
])
