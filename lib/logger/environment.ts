import { TracelaneError } from '../errors'
import { isThreshold, SEVERITY, type Threshold } from '../event'

/** The service's name from TRACELANE_SERVICE, or undefined. */
export function serviceOfEnvironment(): string | undefined {
  return process.env['TRACELANE_SERVICE'] || undefined
}

/** The path of the file of options from TRACELANE_CONFIG, or undefined. */
export function fileOfEnvironment(): string | undefined {
  return process.env['TRACELANE_CONFIG'] || undefined
}

/** The root's level from TRACELANE_LEVEL, in any case, or undefined. Throws ERR_TRACELANE_OPTION_INVALID for another word. */
export function levelOfEnvironment(): Threshold | undefined {
  const level = process.env['TRACELANE_LEVEL']
  return level ? thresholdOf(level, 'TRACELANE_LEVEL') : undefined
}

/**
 * Levels by logger name from TRACELANE_LEVELS, `orders.db=debug,orders.cart=warn`. Throws ERR_TRACELANE_OPTION_INVALID for what is not
 * of that form.
 */
export function levelsOfEnvironment(): Readonly<Record<string, Threshold>> {
  const entries = (process.env['TRACELANE_LEVELS'] ?? '').split(',').filter((entry) => entry.trim() !== '')
  return Object.fromEntries(
    entries.map((entry) => {
      const [name = '', level = ''] = entry.split('=').map((part) => part.trim())
      return [name, thresholdOf(level, `TRACELANE_LEVELS for '${name}'`)]
    }),
  )
}

function thresholdOf(text: string, where: string): Threshold {
  const level = text.trim().toLowerCase()
  if (isThreshold(level)) return level
  const known = Object.keys(SEVERITY).join(', ')
  throw new TracelaneError('ERR_TRACELANE_OPTION_INVALID', `the environment's ${where} must be one of ${known}`)
}
