import { CapturedRenderer } from '../../layout'
import { FRAME, type Frame, type FrameContent } from '../ring'

/** Gives the text of a line that is too large for the ring; undefined if nobody has it any more. */
export type PayloadSource = (payload: number) => string | undefined

/** Makes of a frame what the sink gets: whole lines. */
export class FrameLines {
  readonly #payloads: PayloadSource
  #renderer: CapturedRenderer | undefined

  constructor(payloads: PayloadSource) {
    this.#payloads = payloads
  }

  /** The lines of a frame, the same at each call; good until the next call. A view of the ring where they lie there already. */
  of({ kind, payload, text, dictionary, columns, events }: Frame): Uint8Array {
    if (kind === FRAME.outside) return Buffer.from(this.#payloads(payload) ?? '')
    if (kind === FRAME.lines) return text
    this.#renderer ??= new CapturedRenderer()
    return this.#renderer.render(dictionary, columns, events, text)
  }

  /** The lines of a batch that is not in the ring; good until the next call. */
  ofContent({ dictionary, columns, events, text }: FrameContent): Uint8Array {
    if (typeof text === 'string') return Buffer.from(text)
    this.#renderer ??= new CapturedRenderer()
    return this.#renderer.render(Buffer.from(dictionary), columns, events, text)
  }
}
