import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { TracelaneError } from '../errors'
import { readLines } from './read-line'
import type { TraceLine } from './trace-line'

/** A line longer than this, in bytes, is cut; what was cut off is not searched. */
export const MAX_LINE_BYTES = 1024 * 1024

const CHUNK_BYTES = 256 * 1024
const NEWLINE = 0x0a

/**
 * The lines of trace `traceId` in `files`, in the order of the files; `-` is standard input.
 *
 * Files are streamed: bytes without the id are skipped without being split or parsed, and only the lines found are held in
 * memory. A file that is named twice is read once. Throws ERR_TRACELANE_FILE_UNREADABLE.
 */
export async function findLines(
  traceId: string,
  files: readonly string[],
  stdin: Readable = process.stdin,
): Promise<TraceLine[]> {
  const found: TraceLine[] = []
  const names = new Map(files.map((file) => [file === '-' ? '-' : resolve(file), file]))
  let index = 0
  for (const file of names.values()) {
    const source = { file, index: index++ }
    for await (const { text, offset } of linesWith(traceId, await open(file, stdin))) {
      for (const line of readLines(text, traceId, { ...source, offset })) found.push(line)
    }
  }
  return found
}

interface FoundText {
  readonly text: string
  readonly offset: number
}

/** The lines of `stream` that contain `needle`, ASCII text, with the byte offset of each. */
export async function* linesWith(needle: string, stream: AsyncIterable<Buffer>): AsyncGenerator<FoundText> {
  const id = Buffer.from(needle)
  const finder = new BlockFinder(id)
  for await (const chunk of stream) yield* finder.push(chunk)
  yield* finder.end()
}

/*
 *   carry (a line begun, not ended)      chunk
 *   ├────────────┤├───────────────┬──────────────┬───────┤
 *                          newline▲       newline▲  next carry
 *   └────────── whole lines: searched ───────────┘
 */
class BlockFinder {
  readonly #id: Buffer
  #carry = Buffer.alloc(0)
  #offset = 0
  /* The rest of a line that was too long. */
  #skipping = false

  constructor(id: Buffer) {
    this.#id = id
  }

  *push(chunk: Buffer): Generator<FoundText> {
    let block = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk])
    if (this.#skipping) {
      const end = block.indexOf(NEWLINE)
      this.#offset += end === -1 ? block.length : end + 1
      block = end === -1 ? Buffer.alloc(0) : block.subarray(end + 1)
      this.#skipping = end === -1
    }
    const whole = block.lastIndexOf(NEWLINE) + 1
    yield* this.#search(block.subarray(0, whole))
    this.#offset += whole
    this.#carry = Buffer.from(block.subarray(whole))
    if (this.#carry.length > MAX_LINE_BYTES) yield* this.end()
  }

  /* Searches what is left without a newline: the last line, or as much of a line as is read. */
  *end(): Generator<FoundText> {
    yield* this.#search(this.#carry)
    this.#offset += this.#carry.length
    this.#skipping = this.#carry.length > 0
    this.#carry = Buffer.alloc(0)
  }

  *#search(block: Buffer): Generator<FoundText> {
    let at = block.indexOf(this.#id)
    while (at !== -1) {
      const start = at === 0 ? 0 : block.lastIndexOf(NEWLINE, at - 1) + 1
      const newline = block.indexOf(NEWLINE, at)
      const end = newline === -1 ? block.length : newline
      yield { text: block.toString('utf8', start, Math.min(end, start + MAX_LINE_BYTES)), offset: this.#offset + start }
      at = block.indexOf(this.#id, end)
    }
  }
}

async function open(file: string, stdin: Readable): Promise<AsyncIterable<Buffer>> {
  if (file === '-') return stdin
  try {
    if ((await stat(file)).isDirectory())
      throw new TracelaneError('ERR_TRACELANE_FILE_UNREADABLE', `'${file}' is a folder, name the log files in it`)
    return readable(file)
  } catch (error) {
    throw unreadable(file, error)
  }
}

async function* readable(file: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(file, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>
  } catch (error) {
    throw unreadable(file, error)
  }
}

function unreadable(file: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined || error instanceof TracelaneError) return error
  const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'it may not be read by this user' : code
  return new TracelaneError('ERR_TRACELANE_FILE_UNREADABLE', `'${file}': ${why}`, { cause: error })
}
