import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  nodeFiles,
  openSpoolReader,
  openSpoolWriter,
  type SpoolFiles,
  SpoolLedger,
  type SpoolNotice,
  type SpoolReaderOptions,
  type SpoolRecord,
  type SpoolWriterOptions,
} from '../../lib/spool'
import { tempFolder } from '../support'

/** A spool in a folder of its own, opened as often as one likes. */
export class TestSpool {
  readonly directory: string
  readonly notices: SpoolNotice[] = []
  ledger = new SpoolLedger()

  constructor(directory: string = join(tempFolder(), 'spool')) {
    this.directory = directory
  }

  writer(options: Partial<SpoolWriterOptions> = {}) {
    return openSpoolWriter({ ...this.#place(), segmentBytes: 1024, ...options })
  }

  reader(options: Partial<SpoolReaderOptions> = {}) {
    return openSpoolReader({ ...this.#place(), ...options })
  }

  /** As a new process has it. */
  newLedger(): void {
    this.ledger = new SpoolLedger()
  }

  /** What a new process reads, without committing. */
  read(): string[] {
    this.newLedger()
    const reader = this.reader()
    try {
      return textsOf(reader)
    } finally {
      reader.close()
    }
  }

  kinds(): string[] {
    return this.notices.map(({ kind }) => kind)
  }

  /** Paths of the segments, the oldest first. */
  segments(): string[] {
    const names = readdirSync(this.directory).filter((name) => name.endsWith('.seg'))
    return names.sort().map((name) => join(this.directory, name))
  }

  #place() {
    const onNotice = (notice: SpoolNotice): void => void this.notices.push(notice)
    return { directory: this.directory, ledger: this.ledger.buffer, onNotice }
  }
}

/** All records that a reader gives until its end. */
export function recordsOf(reader: ReturnType<typeof openSpoolReader>): SpoolRecord[] {
  const records: SpoolRecord[] = []
  for (;;) {
    const found = reader.next()
    if (found.kind === 'end') return records
    if (found.kind === 'failed') throw new Error(found.reason)
    records.push(found)
  }
}

export function textsOf(reader: ReturnType<typeof openSpoolReader>): string[] {
  return recordsOf(reader).map(({ payload }) => payload.toString())
}

/** The real files, on a file system that is read-only until `readOnly` is false. */
export class ReadOnlyFiles {
  readOnly = true
  readonly files: SpoolFiles = {
    ...nodeFiles,
    open: (path, mode) => (mode === 'read' ? nodeFiles.open(path, mode) : this.#check(() => nodeFiles.open(path, mode))),
    rename: (from, to) => this.#check(() => nodeFiles.rename(from, to)),
    remove: (path) => this.#check(() => nodeFiles.remove(path)),
  }

  #check<T>(act: () => T): T {
    if (this.readOnly) throw Object.assign(new Error('read-only file system'), { code: 'EROFS' })
    return act()
  }
}
