import { join } from 'node:path'
import { TracelaneError } from '../errors'
import { nodeModule } from '../internal/builtin'
import { thisFile } from '../internal/runtime'

/**
 * The file of the package `name`, as the application would find it, then as this package would. Throws ERR_TRACELANE_PEER_MISSING with the command that
 * installs it, `toInstall` if that is not its name. The package itself is loaded where it is used.
 */
export function findPeerFile(name: string, toInstall = name): string {
  const { createRequire } = nodeModule()
  const places = [process.argv[1], join(process.cwd(), 'package.json'), thisFile].filter((place) => place?.includes('/'))
  for (const place of places) {
    try {
      return createRequire(place as string).resolve(name)
    } catch {
      // It may be found from the next place.
    }
  }
  const message = `this part of tracelane needs ${name}; install it with: npm install ${toInstall}`
  throw new TracelaneError('ERR_TRACELANE_PEER_MISSING', message)
}
