/** A sink as producers get it: the name by which `tracelane` exports it, and its options. */
export interface DeliverySink {
  readonly name: string
  readonly options: object
}

/** A line as it came out of a destination. */
export interface DeliveredLine {
  readonly trace: number
  /** The process, and its how-manieth line this is. */
  readonly p: number
  readonly n: number
  readonly vector: string
  readonly hlc: string
  /** As text or as a number; later is larger. */
  readonly time: string | number
  readonly seq: number
  readonly instance: string
}

/** Where lines go in a run of `deliveryRun`. */
export interface Destination {
  readonly sink: DeliverySink
  /** Whether nothing comes out of it twice; otherwise whoever reads has to leave it out. */
  readonly isOnce: boolean
  /** Kills it as kill -9 does, and starts it again with its data. */
  restart(): Promise<void>
  /** Stops it in its tracks. */
  pause(): void
  resume(): void
  /** From now on lines may be taken as they come. */
  begin(take: (line: DeliveredLine) => void): void
  /** Resolves when all has been taken, in the order in which it came. `isAll` tells whether all that must be there is; there may be more. */
  end(isAll: () => boolean): Promise<void>
  /** Something to be said of this run. */
  note?(): string
}
