import { FRAME, type Frame } from '../ring'

/** Gives the text of a line that is too large for the ring; undefined if nobody has it any more. */
export type PayloadSource = (payload: number) => string | undefined

/** What a frame becomes for the sink: whole lines. A view of the ring where the lines lie there already. */
export function linesOf(frame: Frame, payloads: PayloadSource): Uint8Array {
  switch (frame.kind) {
    case FRAME.outside:
      return Buffer.from(payloads(frame.payload) ?? '')
    default:
      return frame.text
  }
}
