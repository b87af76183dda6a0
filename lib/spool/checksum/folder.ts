import { foldProgram, STEP_BYTES } from './fold-program'
import { throughTables } from './tables'

/*
 * Most bytes of a message need no table. x^(8a) + x^(8b) + x^(8c) + 1 is a multiple of the polynomial for some a > b > c, so a byte can be taken away if it
 * is added to those that stand a - b, a - c and a bytes further on: the taps. That is done for sixteen bytes at once, until only as many are left as the
 * largest tap; from those on with nearer taps, of which there are more; the tables do the rest. The method is Chorba (Russell, 2024), for other machines
 * and polynomials. Of taps beyond 1 KiB what they look for is out of the processor's store buffer; of the nearer ones there are the fewest loads.
 */
const FAR = [1278, 1565, 5424] as const
const NEAR = [154, 177, 183, 258, 290] as const
const FAR_REACH = FAR[2]
const NEAR_REACH = NEAR[4]

/** Below that the tables are as fast. */
export const LEAST_BYTES = 1024
const LEAST_FAR_BYTES = 12 * 1024
const PIECE_BYTES = 64 * 1024
const BUFFER_BYTES = 256 * 1024 + 64
const PAGE_BYTES = 64 * 1024

/* The memory: each place with room for the step that goes too far. `far` and `near` begin with what is before the first byte. */
const AT = ((): Readonly<Record<'buffer' | 'piece' | 'far' | 'middle' | 'near' | 'rest' | 'end', number>> => {
  let end = 0
  const take = (bytes: number): number => {
    const at = end
    end += Math.ceil((bytes + STEP_BYTES) / STEP_BYTES) * STEP_BYTES
    return at
  }
  const [buffer, piece] = [take(BUFFER_BYTES), take(PIECE_BYTES)]
  const far = take(FAR_REACH + PIECE_BYTES + STEP_BYTES)
  const middle = take(FAR_REACH + STEP_BYTES)
  const near = take(NEAR_REACH + LEAST_FAR_BYTES + STEP_BYTES)
  return { buffer, piece, far, middle, near, rest: take(NEAR_REACH + STEP_BYTES), end }
})()

type Fold = (from: number, past: number, end: number, to: number) => void

interface Program {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly fold0: Fold
  readonly fold1: Fold
}

/* What of WebAssembly is needed, which has no types without those of browsers. */
interface Assembly {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

/** Makes the register of a CRC-32C, twelve times as fast as tables. One thread uses it. */
export class Folder {
  readonly #fold: readonly [far: Fold, near: Fold]
  readonly #memory: Buffer
  readonly #words: DataView

  private constructor({ memory, fold0, fold1 }: Program) {
    this.#fold = [fold0, fold1]
    this.#memory = Buffer.from(memory.buffer)
    this.#words = new DataView(memory.buffer)
  }

  /** Undefined where there is no WebAssembly with vectors (`--jitless`, an old processor), or no memory for it. */
  static make(): Folder | undefined {
    try {
      const { Module, Instance } = (globalThis as unknown as { WebAssembly: Assembly }).WebAssembly
      const program = new Module(foldProgram([FAR, NEAR], Math.ceil(AT.end / PAGE_BYTES)))
      return new Folder(new Instance(program).exports as Program)
    } catch {
      return undefined
    }
  }

  /** See `checksumBuffer`. */
  buffer(length: number): Buffer | undefined {
    return length <= BUFFER_BYTES ? this.#memory.subarray(AT.buffer, AT.buffer + length) : undefined
  }

  /** As `throughTables`. */
  register(bytes: Uint8Array, before: number): number {
    const isHere = bytes.buffer === this.#memory.buffer
    let register = before
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, at + PIECE_BYTES)
      if (piece.length < LEAST_BYTES) return throughTables(piece, register)
      if (!isHere) this.#memory.set(piece, AT.piece)
      register = this.#ofPiece(isHere ? piece.byteOffset : AT.piece, piece.length, register)
    }
    return register
  }

  #ofPiece(from: number, length: number, before: number): number {
    const [far, near] = this.#fold
    if (length < LEAST_FAR_BYTES) return this.#ofLittle(near, from, length, before)
    const left = this.#reduce(far, FAR_REACH, { from, length, made: AT.far, to: AT.middle }, before)
    return this.#ofLittle(near, AT.middle, left, 0)
  }

  #ofLittle(near: Fold, from: number, length: number, before: number): number {
    const left = this.#reduce(near, NEAR_REACH, { from, length, made: AT.near, to: AT.rest }, before)
    return throughTables(this.#memory.subarray(AT.rest, AT.rest + left), 0)
  }

  /* Leaves at `to` a message with the same register, from 0 on, and returns how long that is. */
  #reduce(
    fold: Fold,
    reach: number,
    { from, length, made, to }: { from: number; length: number; made: number; to: number },
    before: number,
  ): number {
    const gone = length - reach - ((length - reach) % STEP_BYTES)
    const left = length - gone
    // Only the largest tap of the first bytes sees it. All else before them is zero, and so is what is behind those that are taken away.
    this.#words.setInt32(made, before, true)
    fold(from, made, made + gone, made + reach)
    const end = made + reach + gone
    this.#memory.fill(0, end, end + left)
    fold(from + gone, made + gone, made + gone + left, to)
    return left
  }
}
