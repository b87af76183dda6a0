import { TracelaneError } from '../errors'
import { isThreshold, SEVERITY, type Threshold } from '../event'

/** The service's name from TRACELANE_SERVICE, or undefined. */
export function serviceOfEnvironment(): string | undefined {
  return process.env['TRACELANE_SERVICE'] || undefined
}

/** The root's level from TRACELANE_LEVEL, in any case; `info` without it. Throws ERR_TRACELANE_OPTION_INVALID for another word. */
export function levelOfEnvironment(): Threshold {
  const level = process.env['TRACELANE_LEVEL']?.toLowerCase() || 'info'
  if (isThreshold(level)) return level
  const known = Object.keys(SEVERITY).join(', ')
  throw new TracelaneError('ERR_TRACELANE_OPTION_INVALID', `the environment's TRACELANE_LEVEL must be one of ${known}`)
}
