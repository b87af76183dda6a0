import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { projectFile, run } from '../../support'

const POM = 'test/brokers/kafka/pom.xml'
const FETCH_DEADLINE_MS = 240_000

/** Where brokers are kept and run; nothing in it is needed again. */
export const BROKERS_FOLDER = projectFile('.cache/brokers')

let found: Promise<string | undefined> | undefined

/**
 * The class path of the Kafka that pom.xml names, fetched once by Maven; undefined, and the reason on stderr, if Java 17 or Maven are missing, or
 * if nothing can be fetched.
 */
export function kafkaClassPath(): Promise<string | undefined> {
  found ??= find().catch((error: Error) => {
    process.stderr.write(`no Kafka: ${error.message}\n`)
    return undefined
  })
  return found
}

async function find(): Promise<string> {
  const version = /<artifactId>kafka_2\.13<\/artifactId>\s*<version>([\d.]+)/.exec(readFileSync(projectFile(POM), 'utf8'))?.[1]
  const { stderr } = await run('java', ['-version'])
  const java = Number(/version "(\d+)/.exec(stderr)?.[1])
  if (!(java >= 17)) throw new Error(`it needs Java 17, and this is ${java}`)
  const libs = join(BROKERS_FOLDER, `kafka-${version}`)
  if (!existsSync(libs)) await fetchInto(libs)
  return join(libs, '*')
}

/* Into a folder of its own first: two runs may do this at once, and one may be stopped in the middle. */
async function fetchInto(libs: string): Promise<void> {
  mkdirSync(dirname(libs), { recursive: true })
  const folder = mkdtempSync(`${libs}-`)
  const flags = ['--batch-mode', '--quiet', '--strict-checksums', `--file=${projectFile(POM)}`]
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`]
  const { code, stdout } = await run('mvn', [...flags, ...goal], { deadlineMs: FETCH_DEADLINE_MS })
  if (code !== 0) throw new Error(`Maven could not fetch it: ${stdout.slice(0, 500)}`)
  if (existsSync(libs)) rmSync(folder, { recursive: true })
  else renameSync(folder, libs)
}
