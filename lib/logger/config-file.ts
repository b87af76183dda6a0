import { type BigIntStats, readFileSync, stat, statSync } from 'node:fs'
import { runOutside } from '../context'
import { TracelaneError } from '../errors'
import { reasonOf } from '../event'

/**
 * A file of JSON with options.
 *
 * A watch asks for the state of the path from time to time, so that it does not matter whether a file was written over, replaced by another, or stands
 * behind a link that now leads elsewhere, and on what kind of disk. What changes after a `read` began is never missed. Whoever made it ends the watch.
 */
export class ConfigFile {
  readonly path: string
  /* The state before the last read. */
  #seen = ''
  #timer: NodeJS.Timeout | undefined

  constructor(path: string) {
    this.path = path
  }

  /** The object in the file. Throws ERR_TRACELANE_FILE_UNREADABLE with its path. What is in the file is never part of a message. */
  read(): Readonly<Record<string, unknown>> {
    let content: unknown
    try {
      this.#seen = stateOf(statSync(this.path, { bigint: true }))
      content = JSON.parse(readFileSync(this.path, 'utf8').replace(/^\ufeff/, ''))
    } catch (error) {
      throw this.#unreadable(error instanceof SyntaxError ? 'it is not valid JSON' : reasonOf(error))
    }
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content as Record<string, unknown>
    throw this.#unreadable('they must be an object')
  }

  /** Calls `changed` when the file is not what was read last; one that is gone is waited for. The timer does not keep the process alive. */
  watch(intervalMs: number, changed: () => void): void {
    const look = (): void => {
      stat(this.path, { bigint: true }, (error, found) => {
        if (this.#timer === undefined || error !== null || stateOf(found) === this.#seen) return
        this.#seen = stateOf(found)
        changed()
      })
    }
    this.#timer = runOutside(() => setInterval(look, intervalMs).unref())
  }

  /** Ends the watch. */
  unwatch(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #unreadable(reason: string): TracelaneError {
    return new TracelaneError('ERR_TRACELANE_FILE_UNREADABLE', `the options of the loggers in ${this.path}: ${reason}`)
  }
}

function stateOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
}
