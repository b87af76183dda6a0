/** Something that a spool came upon and went on from. */
export interface SpoolNotice {
  /**
   * `torn`: the end of a segment that was not written whole. `corrupt`: damage between records. `dropped`: a segment removed to make room. `cursor`: a
   * cursor that is lost or wrong. `disk`: a system call failed. `newer`: a segment of a later version, left alone.
   */
  readonly kind: 'torn' | 'corrupt' | 'dropped' | 'cursor' | 'disk' | 'newer'
  /** One sentence. It names files, never what is in them. */
  readonly message: string
}

/** Hears what a spool came upon, on the thread that uses the spool. What it throws is ignored. */
export type OnNotice = (notice: SpoolNotice) => void

/** Makes a function that tells `onNotice` and cannot throw. */
export function teller(onNotice: OnNotice | undefined): (kind: SpoolNotice['kind'], message: string) => void {
  return (kind, message) => {
    try {
      onNotice?.({ kind, message })
    } catch {
      // A spool goes on whatever its listener does.
    }
  }
}
