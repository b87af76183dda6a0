import { resolve } from 'node:path'
import { checkOptions, rules } from '../../internal/options'
import { checkLayout, type LayoutOption } from '../../layout'
import { type FileMode, modeOf, modeRule } from '../file-mode'
import { sharedStateOf } from './shared-state'

/** Options of `fileSink`. */
export interface FileSinkOptions {
  /** The file, absolute or relative to the working directory at the call. Missing folders are made. */
  readonly path: string
  /**
   * Whether lines go behind what is in the file. False: it is emptied when this process opens it for the first time, never again after that.
   * @default true
   */
  readonly append?: boolean
  /**
   * Permissions of the file if it is made, less the umask of the process: `0o640`, or `'0640'`. One that is there keeps its own.
   * @default 0o666
   */
  readonly mode?: FileMode
  /**
   * Permissions of folders that are made, less the umask.
   * @default 0o777
   */
  readonly directoryMode?: FileMode
  /**
   * A signal at which the file is opened anew, for programs that move log files away and say so. The process does not end by it, as long as the
   * appender is not closed; listeners of the application hear it too. Not on Windows.
   * @default undefined: none. A file that was moved or removed is noticed at the next batch anyway
   */
  readonly reopenOnSignal?: 'SIGHUP' | 'SIGUSR2' | undefined
  /**
   * Whether lines carry `hlc`, `seq` and `instance`, which sort them causally and make each one unique.
   * @default true
   */
  readonly ordering?: boolean
  /**
   * How events become lines (docs/reference/layouts.md).
   * @default 'json'
   */
  readonly layout?: LayoutOption
}

/** `fileSink(...)` as data. */
export interface FileSinkSpec {
  readonly kind: 'file'
  readonly options: Required<FileSinkOptions> & { readonly mode: number; readonly directoryMode: number }
  /** What the threads that open the file know together; only if an option needs that. */
  readonly shared?: SharedArrayBuffer
}

const KNOWN = {
  path: rules.string,
  append: rules.boolean,
  mode: modeRule,
  directoryMode: modeRule,
  reopenOnSignal: rules.oneOf('SIGHUP', 'SIGUSR2'),
  ordering: rules.boolean,
  layout: () => undefined,
}

/**
 * Lines appended to one file, JSON by default. When it is removed or renamed, by a person or by logrotate, the next batch makes it anew.
 *
 * Each batch is written with O_APPEND, so several processes on one local file do not mix within a batch. Throws
 * ERR_TRACELANE_OPTION_* for wrong options; a file that cannot be opened is reported on stderr and tried again.
 */
export function fileSink(options: FileSinkOptions): FileSinkSpec {
  checkOptions('fileSink', options, KNOWN, ['path'])
  const { append = true, mode = 0o666, directoryMode = 0o777, reopenOnSignal, ordering = true, layout = 'json' } = options
  const path = resolve(options.path)
  const modes = { mode: modeOf(mode), directoryMode: modeOf(directoryMode) }
  const checked = checkLayout<never>('fileSink', layout)
  const shared = append && reopenOnSignal === undefined ? {} : { shared: sharedStateOf(path) }
  const all = Object.freeze({ path, append, ...modes, reopenOnSignal, ordering, layout: checked })
  return Object.freeze({ kind: 'file', options: all, ...shared })
}
