import {
  FRAME,
  type FrameContent,
  HEADER_BYTES,
  padded,
  QueueMemory,
  RingReader,
  RingWriter,
  ROW,
  WORD,
} from '../../../lib/appender/ring'

/** A ring with both of its ends on this thread. */
export interface Ring {
  readonly memory: QueueMemory
  readonly writer: RingWriter
  readonly reader: RingReader
}

/** A new ring whose positions begin at `start`, as if so many bytes had gone through it. */
export function ringAt(bytes: number, start = 0): Ring {
  const memory = QueueMemory.create(bytes)
  memory.words[WORD.head] = start
  memory.words[WORD.tail] = start
  return { memory, writer: new RingWriter(memory), reader: new RingReader(memory) }
}

/** The content of a frame of `texts`, an event each, with a dictionary. */
export function contentOf(
  texts: readonly string[],
  firstSeq: number,
  dictionary = '',
  kind: FrameContent['kind'] = FRAME.lines,
): FrameContent {
  const rows = new Int32Array((texts.length + 3) * ROW.words)
  texts.forEach((text, i) => {
    rows.set([text.length, 9 + i, i, dictionary === '' ? -1 : 0], i * ROW.words)
  })
  const about = { kind, flags: 0, events: texts.length, firstSeq, severity: 9, payload: 0 }
  return { ...about, rows, rowWords: ROW.words, columns: new Float64Array(0), dictionary, text: texts.join('') }
}

/** Bytes that a frame takes in the ring, worked out from its parts and not from the code under test. */
export function sizeOf({ events, dictionary, text }: FrameContent): number {
  const bytes = HEADER_BYTES + events * 16 + new TextEncoder().encode(dictionary + text).length
  return Math.ceil(bytes / 8) * 8
}

/** The text of exactly that many bytes that makes a frame of one event `size` bytes large. */
export function textFor(size: number): string {
  return 'x'.repeat(size - padded(HEADER_BYTES + ROW.words * 4))
}
