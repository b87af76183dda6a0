import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { runOutside } from '../context'
import { TracelaneError } from '../errors'
import { reasonOf } from '../event'

/** The object in a file of JSON. Throws ERR_TRACELANE_FILE_UNREADABLE with its path. What is in the file is never part of a message. */
export function readConfigFile(path: string): Readonly<Record<string, unknown>> {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(path, 'utf8').replace(/^\ufeff/, ''))
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'it is not valid JSON' : reasonOf(error)
    throw new TracelaneError('ERR_TRACELANE_FILE_UNREADABLE', `the options of the loggers in ${path}: ${reason}`)
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content as Record<string, unknown>
  throw new TracelaneError('ERR_TRACELANE_FILE_UNREADABLE', `the options of the loggers in ${path}: they must be an object`)
}

/**
 * Calls `changed` when the file at `path` has changed, at most every `intervalMs`; the returned function ends that.
 *
 * It asks for the state of the path, so that it does not matter whether a file was written over, replaced by another, or stands behind a link that
 * now leads elsewhere, and on what kind of disk. A file that is gone is waited for. Nothing here keeps the process alive.
 */
export function watchConfigFile(path: string, intervalMs: number, changed: () => void): () => void {
  const listener = (now: { readonly ino: number }): void => {
    if (now.ino !== 0) changed()
  }
  runOutside(() => watchFile(path, { interval: intervalMs, persistent: false }, listener))
  return () => unwatchFile(path, listener)
}
