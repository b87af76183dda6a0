import { foldProgram, stepBytes, VECTOR_BYTES } from './fold-program'
import { throughTables } from './tables'

/*
 * Most bytes of a message need no table. If 1 + x^(8a) + x^(8b) + ... is a multiple of the polynomial, then a byte can be taken away if it is added to those
 * that stand so and so many bytes further on: the taps. That is done for sixteen bytes at once, until only as many are left as the largest tap; the tables
 * do the rest. The method is Chorba (Russell, 2024), for other machines and polynomials. Of all multiples with six terms these have the nearest largest tap
 * but one, and the fewest that are not whole vectors away, which cost a shuffle each: all that was made within their reach fits into the registers of a
 * processor. There is a multiple with four terms within 8 KiB too, of fewer steps, which needs a second buffer as long as the message, and a way
 * to get from 5 KiB to the tables.
 */
const TAPS = [25, 144, 169, 198, 210] as const
const REACH = TAPS[4]
const STEP_BYTES = stepBytes(TAPS)

/** Below that the tables are as fast. */
export const LEAST_BYTES = 1024
const PIECE_BYTES = 64 * 1024
const PAGE_BYTES = 64 * 1024
/* Vectors of what is behind the header of a record are then within lines of the processor's cache: a load across two costs two. */
const BUFFER_LEAD = 24
const BUFFER_BYTES = 256 * 1024 + 64
const LINE_BYTES = 64
const MOST_REST = REACH + STEP_BYTES + VECTOR_BYTES

/* The memory. What is behind the step that `past` has stays zero. */
const AT = ((): Readonly<Record<'buffer' | 'piece' | 'past' | 'rest' | 'end', number>> => {
  let end = 0
  const take = (bytes: number): number => {
    const at = end
    end = Math.ceil((end + bytes) / LINE_BYTES) * LINE_BYTES
    return at
  }
  const buffer = take(BUFFER_LEAD + BUFFER_BYTES + VECTOR_BYTES) + BUFFER_LEAD
  return { buffer, piece: take(PIECE_BYTES + VECTOR_BYTES), past: take(STEP_BYTES + MOST_REST), rest: take(MOST_REST), end }
})()

interface Program {
  readonly memory: { readonly buffer: ArrayBuffer }
  readonly fold: (from: number, past: number, end: number) => void
  readonly rest: (from: number, past: number, end: number, to: number) => void
}

/* What of WebAssembly is needed, which has no types without those of browsers. */
interface Assembly {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

/** Makes the register of a CRC-32C, ten times as fast as tables. One thread uses it. */
export class Folder {
  readonly #program: Program
  readonly #memory: Buffer
  /* The same. Its methods do less than those of a Buffer. */
  readonly #bytes: Uint8Array
  readonly #words: Int32Array
  readonly #view: DataView

  private constructor(program: Program) {
    const { buffer } = program.memory
    this.#program = program
    this.#memory = Buffer.from(buffer)
    this.#bytes = new Uint8Array(buffer)
    this.#words = new Int32Array(buffer)
    this.#view = new DataView(buffer)
  }

  /** Undefined where there is no WebAssembly with vectors (`--jitless`, an old processor), or no memory for it. */
  static make(): Folder | undefined {
    try {
      const { Module, Instance } = (globalThis as unknown as { WebAssembly: Assembly }).WebAssembly
      const program = new Module(foldProgram(TAPS, Math.ceil(AT.end / PAGE_BYTES)))
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
  register(bytes: Uint8Array, before: number, start = 0): number {
    const { length } = bytes
    if (bytes.buffer === this.#bytes.buffer) return this.#ofPiece(bytes.byteOffset + start, length - start, before)
    let register = before
    for (let at = start; at < length; at += PIECE_BYTES) {
      const piece = bytes.subarray(at, Math.min(length, at + PIECE_BYTES))
      if (piece.length < LEAST_BYTES) return throughTables(piece, register)
      this.#bytes.set(piece, AT.piece)
      register = this.#ofPiece(AT.piece, piece.length, register)
    }
    return register
  }

  #ofPiece(from: number, length: number, before: number): number {
    const { fold, rest } = this.#program
    const left = REACH + ((length - REACH) % STEP_BYTES)
    const foldedTo = from + length - left
    this.#bytes.fill(0, AT.past, AT.past + STEP_BYTES)
    // Only the largest tap of the first bytes sees it.
    this.#view.setInt32(AT.past + STEP_BYTES - REACH, before, true)
    fold(from, AT.past, foldedTo)
    // A message with the same register, from 0 on.
    rest(foldedTo, AT.past, foldedTo + left, AT.rest)
    return throughTables(this.#bytes, 0, AT.rest, AT.rest + left, this.#words)
  }
}
