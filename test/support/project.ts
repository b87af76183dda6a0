import { join } from 'node:path'

/** The folder of package.json: of the repository, or of the copy that `npm run mutants` works on. */
export const projectRoot: string = join(__dirname, '../../..')

/** The absolute path of a file of the project, given from its root. */
export function projectFile(path: string): string {
  return join(projectRoot, path)
}
