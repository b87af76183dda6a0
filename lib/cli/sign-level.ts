import { TracelaneError } from '../errors'
import { LEVELS, type Level } from '../event'
import { secretOfEnvironment, signLevel } from '../targeted-debug'

/** What `tracelane sign-level` is told beside the level. */
export interface SignLevelFlags {
  /** Seconds. */
  readonly expires: string | undefined
  readonly trace: string | undefined
}

/**
 * Prints a value for the header `tracelane-level` to stdout, signed with the environment's TRACELANE_LEVEL_SECRET. Throws TracelaneError if that
 * is missing or the command line is wrong.
 */
export function signLevelCommand(level: string | undefined = 'debug', { expires, trace }: SignLevelFlags): void {
  if (!LEVELS.includes(level as Level)) throw wrong(`there is no level '${level}': name one of ${LEVELS.join(', ')}`)
  if (expires !== undefined && !/^\d+$/.test(expires)) throw wrong('--expires takes a number of seconds')
  const value = signLevel({
    secret: secretOfEnvironment(),
    level: level as Level,
    ...(expires === undefined ? {} : { expiresInSeconds: Number(expires) }),
    ...(trace === undefined ? {} : { traceId: trace }),
  })
  process.stdout.write(`${value}\n`)
}

function wrong(detail: string): TracelaneError {
  return new TracelaneError('ERR_TRACELANE_CLI_USAGE', `${detail}; see tracelane --help`)
}
