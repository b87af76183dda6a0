/*
 * A WebAssembly module, put together by hand because there is nothing else in it than two loops, for a list of taps t, of which d is the largest:
 *
 *   fold(from, past, end)           for each 16 bytes, until `from` is at `end`:
 *                                     made = from[0] xor what was made t bytes before, for each t;  from goes on
 *                                   what was made before the first ones is taken from `past`, and the last that was made is put there
 *   rest(from, past, end, to)       for each 16 bytes, until `from` is at `end`:
 *                                     to[0] = from[0] xor past[d - t] for each t, where d is the length of what is in `past`;  from, past and to go on
 *
 * All that `fold` looks back at is in registers, so it loads each byte once, stores nothing, and leaves the processor's cache to others.
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
const VECTOR = { load: [0xfd, 0x00, 0x00], store: [0xfd, 0x0b, 0x00], shuffle: [0xfd, 0x0d], xor: [0xfd, 0x51] } as const
const TYPE = { function: 0x60, i32: 0x7f, vector: 0x7b, none: 0x40 } as const
const LOCAL = { from: 0, past: 1, end: 2, to: 3, kept: 4 } as const

/** How many bytes a `rest` makes in one go, and how many too much it may read and write. */
export const VECTOR_BYTES = 16

/** How many bytes a `fold` makes in one go, which is also what it keeps: the farthest that a tap of it sees, in whole vectors. */
export function stepBytes(taps: readonly number[]): number {
  return vectorsBack(Math.max(...taps)) * VECTOR_BYTES
}

/** The module with `fold` and `rest` for `taps`, none of which is below 16, and a memory of `pages` times 64 KiB. */
export function foldProgram(taps: readonly number[], pages: number): Uint8Array {
  const parameters = [TYPE.i32, TYPE.i32, TYPE.i32, TYPE.i32]
  const names = ['fold', 'rest'].map((name, i) => [...text(name), EXPORTED.function, i])
  return Uint8Array.from([
    ...MAGIC,
    ...section(SECTION.types, [[TYPE.function, ...list(parameters.map((type) => [type])), ...list([])]]),
    ...section(SECTION.functions, [[0], [0]]),
    ...section(SECTION.memories, [[1, ...unsigned(pages), ...unsigned(pages)]]),
    ...section(SECTION.exports, [[...text('memory'), EXPORTED.memory, 0], ...names]),
    ...section(SECTION.code, [foldCode(taps), restCode(taps)]),
  ])
}

function foldCode(taps: readonly number[]): number[] {
  const step = stepBytes(taps)
  const vectors = Array.from({ length: step / VECTOR_BYTES }, (_, i) => i)
  // The nearest tap last: that is what the processor waits for.
  const farFirst = taps.toSorted((a, b) => b - a)
  const made = (i: number): number[] => [
    ...load('from', i * VECTOR_BYTES),
    ...farFirst.flatMap((tap) => [...kept(tap, i, vectors.length), ...VECTOR.xor]),
    ...set(LOCAL.kept + i),
  ]
  return sized([
    ...list([[...unsigned(vectors.length), TYPE.vector]]),
    ...vectors.flatMap((i) => [...load('past', i * VECTOR_BYTES), ...set(LOCAL.kept + i)]),
    ...[OP.loop, TYPE.none],
    ...vectors.flatMap(made),
    ...advance('from', step),
    ...[...get(LOCAL.from), ...get(LOCAL.end), OP.less, OP.branchIf, 0],
    OP.end,
    ...vectors.flatMap((i) => store('past', i * VECTOR_BYTES, get(LOCAL.kept + i))),
    OP.end,
  ])
}

function restCode(taps: readonly number[]): number[] {
  const pulled = taps.flatMap((tap) => [...load('past', stepBytes(taps) - tap), ...VECTOR.xor])
  return sized([
    ...list([]),
    ...[OP.loop, TYPE.none],
    ...store('to', 0, [...load('from', 0), ...pulled]),
    ...advance('from', VECTOR_BYTES),
    ...advance('past', VECTOR_BYTES),
    ...advance('to', VECTOR_BYTES),
    ...[...get(LOCAL.from), ...get(LOCAL.end), OP.less, OP.branchIf, 0],
    ...[OP.end, OP.end],
  ])
}

/* What was made `tap` bytes before vector `i` of a step: the end of one vector and the beginning of the next. */
function kept(tap: number, i: number, vectors: number): number[] {
  const back = vectorsBack(tap)
  const older = (i - back + vectors) % vectors
  const from = back * VECTOR_BYTES - tap
  if (from === 0) return get(LOCAL.kept + older)
  const lanes = Array.from({ length: VECTOR_BYTES }, (_, lane) => from + lane)
  return [...get(LOCAL.kept + older), ...get(LOCAL.kept + ((older + 1) % vectors)), ...VECTOR.shuffle, ...lanes]
}

function vectorsBack(tap: number): number {
  return Math.ceil(tap / VECTOR_BYTES)
}

function load(local: 'from' | 'past', offset: number): number[] {
  return [...get(LOCAL[local]), ...VECTOR.load, ...unsigned(offset)]
}

function store(local: 'past' | 'to', offset: number, value: readonly number[]): number[] {
  return [...get(LOCAL[local]), ...value, ...VECTOR.store, ...unsigned(offset)]
}

function get(local: number): number[] {
  return [OP.getLocal, ...unsigned(local)]
}

function set(local: number): number[] {
  return [OP.setLocal, ...unsigned(local)]
}

function advance(local: 'from' | 'past' | 'to', bytes: number): number[] {
  return [...get(LOCAL[local]), OP.constant, ...signed(bytes), OP.add, ...set(LOCAL[local])]
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
