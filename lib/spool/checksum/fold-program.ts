/*
 * A WebAssembly module, put together by hand because there is nothing else in it than two loops:
 *
 *   fold(from, past, end, to)       for each 16 bytes, until `past` is at `end`:
 *                                     to[0] = from[0] xor past[d - t] for each tap t of d, the largest;  from, past and to go on
 *
 * `past` is d bytes behind what is made, so past[d - t] is what was made t bytes before.
 */
const MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]
const SECTION = { types: 1, functions: 3, memories: 5, exports: 7, code: 10 } as const
const EXPORTED = { function: 0, memory: 2 } as const
const OP = {
  loop: 0x03,
  end: 0x0b,
  branchIf: 0x0d,
  getLocal: 0x20,
  setLocal: 0x21,
  constant: 0x41,
  less: 0x49,
  add: 0x6a,
} as const
const VECTOR = { load: [0xfd, 0x00, 0x00], store: [0xfd, 0x0b, 0x00], xor: [0xfd, 0x51] } as const
const TYPE = { function: 0x60, i32: 0x7f, none: 0x40 } as const
const LOCAL = { from: 0, past: 1, end: 2, to: 3 } as const
const VECTOR_BYTES = 16
const UNROLLED = 4

/** A loop of `fold` makes this many bytes in one go, and may read and write as many too much. */
export const STEP_BYTES: number = VECTOR_BYTES * UNROLLED

/** The module with one function `fold0`, `fold1` ... for each list of taps, and a memory of `pages` times 64 KiB. */
export function foldProgram(taps: readonly (readonly number[])[], pages: number): Uint8Array {
  const parameters = [TYPE.i32, TYPE.i32, TYPE.i32, TYPE.i32]
  const names = taps.map((_, i) => [...text(`fold${i}`), EXPORTED.function, i])
  return Uint8Array.from([
    ...MAGIC,
    ...section(SECTION.types, [[TYPE.function, ...list(parameters.map((type) => [type])), ...list([])]]),
    ...section(
      SECTION.functions,
      taps.map(() => [0]),
    ),
    ...section(SECTION.memories, [[1, ...unsigned(pages), ...unsigned(pages)]]),
    ...section(SECTION.exports, [[...text('memory'), EXPORTED.memory, 0], ...names]),
    ...section(SECTION.code, taps.map(foldCode)),
  ])
}

function foldCode(taps: readonly number[]): number[] {
  const distance = Math.max(...taps)
  const steps = Array.from({ length: UNROLLED }, (_, i) => i * VECTOR_BYTES)
  const body = [
    ...[OP.loop, TYPE.none],
    ...steps.flatMap((at) => [...get('to'), ...made(taps, distance, at), ...VECTOR.store, ...unsigned(at)]),
    ...advance('from'),
    ...advance('to'),
    ...advance('past'),
    ...[...get('past'), ...get('end'), OP.less, OP.branchIf, 0],
    ...[OP.end, OP.end],
  ]
  const noLocals = list([])
  return sized([...noLocals, ...body])
}

function made(taps: readonly number[], distance: number, at: number): number[] {
  const pulled = taps.flatMap((tap) => [...get('past'), ...VECTOR.load, ...unsigned(distance - tap + at), ...VECTOR.xor])
  return [...get('from'), ...VECTOR.load, ...unsigned(at), ...pulled]
}

function get(local: keyof typeof LOCAL): number[] {
  return [OP.getLocal, LOCAL[local]]
}

function advance(local: keyof typeof LOCAL): number[] {
  return [...get(local), OP.constant, ...signed(STEP_BYTES), OP.add, OP.setLocal, LOCAL[local]]
}

function section(id: number, items: readonly (readonly number[])[]): number[] {
  return [id, ...sized(list(items))]
}

function list(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()]
}

function text(name: string): number[] {
  return sized([...Buffer.from(name)])
}

function sized(bytes: readonly number[]): number[] {
  return [...unsigned(bytes.length), ...bytes]
}

/* LEB128: seven bits in each byte. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

/* Of a number that is not negative: its last byte must not look like that of one that is. */
function signed(value: number): number[] {
  return value < 0x40 ? [value] : [(value & 0x7f) | 0x80, ...signed(value >>> 7)]
}
