import type { IncomingMessage, ServerResponse } from 'node:http'
import { scopeOfEmitter } from '../context'
import { expressStackBefore } from './express-stack'

/** One request that came in, as the doctor's own storage knows it in the flow that serves it. */
export interface RequestMark {
  /** A middleware has given it a trace. */
  traced: boolean
  /** Node still tells of it: nothing asynchronous has happened to it. */
  arriving: boolean
  /** The places of log calls before it had a trace. */
  readonly logged: { beforeTrace: number }[]
  readonly rooms: Set<string>
  /** When it was answered, in ms since the epoch, and what marks its trace. */
  answered: { readonly at: number; readonly root: object } | undefined
}

/** What came before a middleware. */
export interface Lateness {
  /** Requests that were late. */
  count: number
  /** Those that had waited for something before they came to the middleware. */
  waited: number
  /** Those in which something had been logged. */
  logged: number
  /** Middleware that is known to read the body, wait or log. */
  readonly risky: Set<string>
  /** Other middleware. */
  readonly other: Set<string>
}

const MAX_NAMES = 20
const PRUNE_AT = 64

/** Counts requests of Node's own HTTP servers: which came, which got a trace, when and how often. */
export class Requests {
  readonly #marks = new WeakMap<object, RequestMark>()
  readonly #serving = new Set<ServerResponse>()
  readonly late = new Map<string, Lateness>()
  readonly twice = new Map<string, number>()
  started = 0
  traced = 0

  /** A request came in; the mark belongs into the flow that serves it. */
  begin(request: IncomingMessage, response: ServerResponse): RequestMark {
    const mark: RequestMark = { traced: false, arriving: true, logged: [], rooms: new Set(), answered: undefined }
    process.nextTick(() => {
      mark.arriving = false
    })
    this.#marks.set(request, mark)
    this.started++
    if (this.#serving.size >= PRUNE_AT) this.busy()
    this.#serving.add(response)
    return mark
  }

  /** A request has been answered. */
  end(request: IncomingMessage): void {
    const mark = this.#marks.get(request)
    const root = scopeOfEmitter(request)?.root
    if (mark !== undefined && root !== undefined) mark.answered = { at: Date.now(), root }
  }

  /** Whether any request is being served. Forgets those that were answered or broken off. */
  busy(): boolean {
    for (const response of this.#serving) if (response.writableFinished || response.destroyed) this.#serving.delete(response)
    return this.#serving.size > 0
  }

  /** The middleware called `room` was given `request`. */
  served(room: string, request: object, known: boolean): void {
    const mark = this.#marks.get(request)
    if (mark === undefined) return
    if (!mark.traced) {
      mark.traced = true
      this.traced++
      if (!known) this.#judge(room, request, mark)
      for (const place of mark.logged) place.beforeTrace++
    } else if (mark.rooms.has(room)) this.twice.set(room, (this.twice.get(room) ?? 0) + 1)
    mark.rooms.add(room)
  }

  #judge(room: string, request: object, mark: RequestMark): void {
    const { risky, other } = expressStackBefore(request)
    if (mark.arriving && mark.logged.length === 0 && risky.length + other.length === 0) return
    let late = this.late.get(room)
    if (late === undefined) {
      late = { count: 0, waited: 0, logged: 0, risky: new Set(), other: new Set() }
      this.late.set(room, late)
    }
    late.count++
    if (!mark.arriving) late.waited++
    if (mark.logged.length > 0) late.logged++
    for (const name of risky) if (late.risky.size < MAX_NAMES) late.risky.add(name)
    for (const name of other) if (late.other.size < MAX_NAMES) late.other.add(name)
  }
}
