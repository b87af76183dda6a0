export { FLOAT_BYTES, FRAME, type FrameKind, HEADER_BYTES, padded, ROW, SYNC, TRACE_ID_BYTES, WORD_BYTES } from './frame'
export { ACCOUNT, OWNER, QueueMemory, SERVER, SPILL, WORD } from './memory'
export { countOutcomes, type Frame, type Outcomes, RingReader, type Seen } from './ring-reader'
export { type FrameContent, RingWriter } from './ring-writer'
