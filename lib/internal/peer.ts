import { TracelaneError } from '../errors'

/**
 * Loads an optional peer through `load`, a function with a literal `require('name')` in it, so that bundlers see it.
 * If the package is not installed, throws one sentence that says how to install it.
 */
export function loadPeer<T>(name: string, load: () => T): T {
  try {
    return load()
  } catch (cause) {
    const { code, message = '' } = cause as { code?: unknown; message?: string }
    if (code !== 'MODULE_NOT_FOUND' || !message.includes(`'${name}'`)) throw cause
    throw new TracelaneError(
      'ERR_TRACELANE_PEER_MISSING',
      `this part of tracelane needs ${name}; install it with: npm install ${name}`,
      {
        cause,
      },
    )
  }
}
