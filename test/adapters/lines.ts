import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { close, configure, fileSink, flush } from 'tracelane'
import { tempFolder } from '../support'

type Line = Readonly<Record<string, unknown>>

/** A file to which all appenders of this process write during a test. */
export class LinesFile {
  readonly path = join(tempFolder(), 'out.log')

  constructor() {
    void configure({ sinks: [fileSink({ path: this.path })] })
  }

  /** What stands in the file, when all is written. */
  async texts(): Promise<string[]> {
    await flush()
    return this.textsNow()
  }

  /** What stands in the file at this moment. */
  textsNow(): string[] {
    return readFileSync(this.path, 'utf8').split('\n').slice(0, -1)
  }

  async lines(): Promise<Line[]> {
    return (await this.texts()).map((text) => JSON.parse(text) as Line)
  }

  async close(): Promise<void> {
    await close()
  }
}
