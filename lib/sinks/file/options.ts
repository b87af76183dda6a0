import { resolve } from 'node:path'
import { checkOptions, rules } from '../../internal/options'
import { checkLayout, type LayoutOption } from '../../layout'

/** Options of `fileSink`. */
export interface FileSinkOptions {
  /** The file, absolute or relative to the working directory at the call. Missing folders are made. */
  readonly path: string
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
  readonly options: Required<FileSinkOptions>
}

/**
 * Lines appended to one file, JSON by default. When it is removed or renamed, by a person or by logrotate, the next batch makes it anew.
 *
 * Each batch is written with O_APPEND, so several processes on one local file do not mix within a batch. Throws
 * ERR_TRACELANE_OPTION_* for wrong options; a file that cannot be opened is reported on stderr and tried again.
 */
export function fileSink(options: FileSinkOptions): FileSinkSpec {
  checkOptions('fileSink', options, { path: rules.string, ordering: rules.boolean, layout: () => undefined }, ['path'])
  const { path, ordering = true, layout = 'json' } = options
  const checked = checkLayout<never>('fileSink', layout)
  return Object.freeze({ kind: 'file', options: Object.freeze({ path: resolve(path), ordering, layout: checked }) })
}
