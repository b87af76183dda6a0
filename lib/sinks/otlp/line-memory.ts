import { LineHeads } from '../line-heads'
import type { WordBytes } from '../word-bytes'
import { MetKeys, type Trail } from './met-keys'

/** What the head of a line means: what is written of it, and the keys that are in it. */
export interface HeadMeaning {
  readonly record: WordBytes
  readonly seen: number
  /** The keys behind it. */
  readonly trail: Trail
  /** As the scanner has them, from the beginning of the head. */
  readonly places: Int32Array
}

/** What was learned of lines, from one request to the next. */
export class LineMemory {
  readonly heads = new LineHeads<HeadMeaning>()
  readonly keys = new MetKeys()
  /** That of lines whose head is not known. */
  readonly trail: Trail = this.keys.newTrail()
}
