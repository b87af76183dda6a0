import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { projectFile, run } from '../support'

/** Where brokers are kept and run; nothing in it is needed again. */
export const BROKERS_FOLDER = projectFile('.cache/brokers')

/* As many as four times what it takes here. */
const FETCH_DEADLINE_MS = 240_000

/** A server that Maven fetches. */
export interface MavenServer {
  /** For people, and for its folder. */
  readonly name: string
  /** The pom.xml, from the project's root. */
  readonly pom: string
  /** The artefact in it whose version is the server's. */
  readonly artefact: string
}

/**
 * The class path of a server, fetched once by Maven; undefined, and the reason on stderr, if Java 17 or Maven are missing, or if nothing can be
 * fetched.
 */
export function mavenClassPath(server: MavenServer): Promise<string | undefined> {
  return find(server).catch((error: Error) => {
    process.stderr.write(`no ${server.name}: ${error.message}\n`)
    return undefined
  })
}

async function find({ name, pom, artefact }: MavenServer): Promise<string> {
  const version = readFileSync(projectFile(pom), 'utf8')
    .split(`<artifactId>${artefact}</artifactId>`)[1]
    ?.match(/[\d.]+/)?.[0]
  const { stderr } = await run('java', ['-version'])
  const java = Number(/version "(\d+)/.exec(stderr)?.[1])
  if (!(java >= 17)) throw new Error(`it needs Java 17, and this is ${java}`)
  const libs = join(BROKERS_FOLDER, `${name}-${version}`)
  if (!existsSync(libs)) await fetchInto(libs, pom)
  return join(libs, '*')
}

/* Into a folder of its own first: two runs may do this at once, and one may be stopped in the middle. */
async function fetchInto(libs: string, pom: string): Promise<void> {
  mkdirSync(dirname(libs), { recursive: true })
  const folder = mkdtempSync(`${libs}-`)
  const flags = ['--batch-mode', '--quiet', '--strict-checksums', `--file=${projectFile(pom)}`]
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`]
  const { code, stdout } = await run('mvn', [...flags, ...goal], { deadlineMs: FETCH_DEADLINE_MS })
  if (code !== 0) throw new Error(`Maven could not fetch it: ${stdout.slice(0, 500)}`)
  if (existsSync(libs)) rmSync(folder, { recursive: true })
  else renameSync(folder, libs)
}
