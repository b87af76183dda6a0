export { KeySplitter } from './key-splitter'
export { newOutcome, type Outcome, resultOf } from './outcome'
export { type BatchToPack, divide, type PackedMessage, packBatch } from './packing'
