import { resolve } from 'node:path'
import { TracelaneError } from '../../errors'
import { checkOptions, type Rule, rules } from '../../internal/options'
import { checkLayout, type LayoutOption } from '../../layout'
import { type FilePattern, FilePatternProblem, filePattern } from './file-pattern'

/** Options of `rollingFileSink`. */
export interface RollingFileSinkOptions {
  /**
   * The names of finished files, absolute or relative to the working directory: `%d{yyyy-MM-dd}` is the time and says how often a new
   * file is begun (`yyyy MM dd DDD HH mm ss`), `%i` counts, a name that ends in `.gz` is compressed, `%%` is a percent sign. Missing folders are made.
   */
  readonly filePattern: string
  /**
   * The file that is written; it is renamed when it is finished. Without it lines go at once to the file of `filePattern` whose turn it is.
   * @default undefined
   */
  readonly path?: string | undefined
  /**
   * How large a file may get, in bytes from 1; `filePattern` needs a `%i` then. A line that is larger has a file of its own.
   * @default undefined: as large as it likes
   */
  readonly maxFileBytes?: number | undefined
  /**
   * Whether a file that the process finds at its start is finished first; `filePattern` needs a `%i` then.
   * @default false
   */
  readonly rollOnStart?: boolean
  /**
   * How many periods of `%d` before the present one are kept, whatever came in them; without `%d`, how many files. 1 to 1,000,000.
   * @default undefined: all
   */
  readonly maxHistory?: number | undefined
  /**
   * How much finished files may take together, in bytes from 1: the oldest ones are removed.
   * @default undefined: as much as they like
   */
  readonly totalSizeCapBytes?: number | undefined
  /**
   * The time zone of `%d`: `Europe/Berlin`, `UTC`, `+02:00`.
   * @default undefined: that of the process
   */
  readonly timezone?: string | undefined
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

/** `rollingFileSink(...)` as data. */
export interface RollingFileSinkSpec {
  readonly kind: 'rolling-file'
  readonly options: Required<RollingFileSinkOptions>
}

const MOST = Number.MAX_SAFE_INTEGER

const RULES: Readonly<Record<keyof RollingFileSinkOptions, Rule>> = {
  filePattern: rules.string,
  path: rules.string,
  maxFileBytes: rules.integer(1, MOST),
  rollOnStart: rules.boolean,
  maxHistory: rules.integer(1, 1_000_000),
  totalSizeCapBytes: rules.integer(1, MOST),
  timezone: rules.string,
  ordering: rules.boolean,
  layout: () => undefined,
}

/**
 * Lines appended to a file that is finished, and another one begun, when a period of time ends, when it is full, or when the process starts;
 * finished files are compressed, and removed when they are old or too large together.
 *
 * No line is split between files or lost, and no file is ever written over, whatever the clock does and whoever else puts files there. One process
 * writes to it: a second one is refused as long as the first one runs. Throws ERR_TRACELANE_OPTION_* for wrong options;
 * docs/reference/sinks/rolling-file.md.
 */
export function rollingFileSink(options: RollingFileSinkOptions): RollingFileSinkSpec {
  checkOptions('rollingFileSink', options, RULES, ['filePattern'])
  const { path, maxFileBytes, maxHistory, totalSizeCapBytes, timezone } = options
  const { rollOnStart = false, ordering = true, layout = 'json' } = options
  const pattern = compiled(options)
  if (maxFileBytes !== undefined && !pattern.hasIndex) throw invalid("'maxFileBytes' needs a %i in 'filePattern'")
  if (rollOnStart && !pattern.hasIndex) throw invalid("'rollOnStart' needs a %i in 'filePattern'")
  if (!pattern.hasDate && maxFileBytes === undefined && !rollOnStart) {
    throw invalid("nothing would ever finish a file: give 'maxFileBytes', 'rollOnStart', or a %d in 'filePattern'")
  }
  return Object.freeze({
    kind: 'rolling-file',
    options: Object.freeze({
      ...{ rollOnStart, ordering, maxFileBytes, maxHistory, totalSizeCapBytes, timezone },
      filePattern: resolve(options.filePattern),
      path: path === undefined ? undefined : resolve(path),
      layout: checkLayout<never>('rollingFileSink', layout),
    }),
  })
}

function compiled({ filePattern: text, path, timezone }: RollingFileSinkOptions): FilePattern {
  try {
    const pattern = filePattern(text, timezone)
    if (path !== undefined && isOneOf(pattern, resolve(path))) {
      throw invalid("'path' must not be a name that 'filePattern' can have, or it would be taken for a finished file")
    }
    return pattern
  } catch (error) {
    if (error instanceof FilePatternProblem) throw invalid(`'filePattern' ${error.message}`)
    throw error
  }
}

function isOneOf(pattern: FilePattern, path: string): boolean {
  if (!path.startsWith(pattern.root)) return false
  const below = path
    .slice(pattern.root.length)
    .split(/[\\/]/)
    .filter((part) => part !== '')
  return pattern.read(below) !== undefined
}

function invalid(detail: string): TracelaneError {
  return new TracelaneError('ERR_TRACELANE_OPTION_INVALID', `rollingFileSink: ${detail}`)
}
