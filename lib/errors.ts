const MESSAGES = {
  ERR_TRACELANE_OPTION_UNKNOWN: 'There is no such option',
  ERR_TRACELANE_OPTION_INVALID: 'An option has a wrong value',
  ERR_TRACELANE_ARGUMENT_INVALID: 'An argument has a wrong value',
  ERR_TRACELANE_PEER_MISSING: 'An optional package is not installed',
  ERR_TRACELANE_PEER_TOO_OLD: 'An optional package is too old',
  ERR_TRACELANE_CONSOLE_PATCHED: 'The console is patched already',
  ERR_TRACELANE_CLI_USAGE: 'The command line is wrong',
  ERR_TRACELANE_TRACE_ID_INVALID: 'This is no trace id',
  ERR_TRACELANE_TRACE_NOT_FOUND: 'The trace was not found',
  ERR_TRACELANE_CONTEXT_LOST: 'The trace context did not survive',
  ERR_TRACELANE_CONTEXT_UNCHECKED: 'The trace context was not checked',
  ERR_TRACELANE_FILE_UNREADABLE: 'A file cannot be read',
  ERR_TRACELANE_SPOOL_BUSY: 'A spool is in use',
  ERR_TRACELANE_SPOOL_DAMAGED: 'A spool is damaged',
  ERR_TRACELANE_SPOOL_NOT_FOUND: 'The spool was not found',
  ERR_TRACELANE_SPOOL_UNUSABLE: 'A spool cannot be read or written',
} as const

/** A stable name for what went wrong. */
export type ErrorCode = keyof typeof MESSAGES

const BRAND = Symbol.for('tracelane.error')

/**
 * The one error class of the kit. It is thrown on the caller's stack for set-up mistakes only; nothing in the logging or
 * request path throws.
 */
export class TracelaneError extends Error {
  override readonly name = 'TracelaneError'
  /** A stable name, for programs. */
  readonly code: ErrorCode
  /** Marks errors of every loaded copy of the kit, because `instanceof` knows one copy only. */
  readonly [BRAND] = true

  /** `detail` says what exactly is wrong and how to cure it, in one sentence. */
  constructor(code: ErrorCode, detail: string, options?: ErrorOptions) {
    super(`${MESSAGES[code]}: ${detail} (${code})`, options)
    this.code = code
  }
}

/** True for an error of the kit, also for one thrown by another loaded copy of it. */
export function isTracelaneError(value: unknown): value is TracelaneError {
  return typeof value === 'object' && value !== null && BRAND in value
}
