/** A place in a spool: byte `offset` of segment number `segment`. */
export interface SpoolPosition {
  readonly segment: number
  readonly offset: number
}

/** Negative if `a` is before `b`, 0 if they are the same place. */
export function comparePositions(a: SpoolPosition, b: SpoolPosition): number {
  return a.segment - b.segment || a.offset - b.offset
}
