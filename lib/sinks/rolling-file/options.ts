import { resolve } from 'node:path'
import { TracelaneError } from '../../errors'
import { checkOptions, type Rule, rules } from '../../internal/options'
import { checkLayout, type LayoutOption } from '../../layout'
import { type FileMode, modeOf, modeRule } from '../file-mode'
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
   * Whether several processes of this machine write to `path`, all with the same options: one of them finishes it, the others go on in the new one. Needs a `path`
   * and a pattern without `.gz`, because a process that was held up may still write to a finished file.
   * @default false
   */
  readonly multiProcess?: boolean
  /**
   * Up to how many milliseconds, by chance, the compression of a file waits that its period has ended, so that not all hosts compress at midnight;
   * 0 to 86,400,000.
   * @default 0
   */
  readonly jitterMs?: number
  /**
   * Permissions of files that are made, less the umask of the process: `0o640`, or `'0640'`.
   * @default 0o666
   */
  readonly mode?: FileMode
  /**
   * Permissions of folders that are made, less the umask.
   * @default 0o777
   */
  readonly directoryMode?: FileMode
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
  readonly options: Required<RollingFileSinkOptions> & { readonly mode: number; readonly directoryMode: number }
}

const MOST = Number.MAX_SAFE_INTEGER
const MAX_JITTER_MS = 86_400_000

const RULES: Readonly<Record<keyof RollingFileSinkOptions, Rule>> = {
  filePattern: rules.string,
  path: rules.string,
  maxFileBytes: rules.integer(1, MOST),
  rollOnStart: rules.boolean,
  maxHistory: rules.integer(1, 1_000_000),
  totalSizeCapBytes: rules.integer(1, MOST),
  timezone: rules.string,
  multiProcess: rules.boolean,
  jitterMs: rules.integer(0, MAX_JITTER_MS),
  mode: modeRule,
  directoryMode: modeRule,
  ordering: rules.boolean,
  layout: () => undefined,
}

/**
 * Lines appended to a file that is finished, and another one begun, when a period of time ends, when it is full, or when the process starts;
 * finished files are compressed, and removed when they are old or too large together.
 *
 * No line is split between files or lost, and no file is ever written over, whatever the clock does and whoever else puts files there. One process
 * writes to it, a second one is refused as long as the first one runs, unless all say `multiProcess`. Throws ERR_TRACELANE_OPTION_* for wrong options;
 * docs/reference/sinks/rolling-file.md.
 */
export function rollingFileSink(options: RollingFileSinkOptions): RollingFileSinkSpec {
  checkOptions('rollingFileSink', options, RULES, ['filePattern'])
  const { path, maxFileBytes, maxHistory, totalSizeCapBytes, timezone } = options
  const { rollOnStart = false, ordering = true, layout = 'json', multiProcess = false, jitterMs = 0 } = options
  const { mode = 0o666, directoryMode = 0o777 } = options
  const pattern = compiled(options)
  if (maxFileBytes !== undefined && !pattern.hasIndex) throw invalid("'maxFileBytes' needs a %i in 'filePattern'")
  if (rollOnStart && !pattern.hasIndex) throw invalid("'rollOnStart' needs a %i in 'filePattern'")
  if (!pattern.hasDate && maxFileBytes === undefined && !rollOnStart) {
    throw invalid("nothing would ever finish a file: give 'maxFileBytes', 'rollOnStart', or a %d in 'filePattern'")
  }
  if (multiProcess) checkTogether(options, pattern)
  return Object.freeze({
    kind: 'rolling-file',
    options: Object.freeze({
      ...{ rollOnStart, ordering, maxFileBytes, maxHistory, totalSizeCapBytes, timezone, multiProcess, jitterMs },
      ...{ mode: modeOf(mode), directoryMode: modeOf(directoryMode) },
      filePattern: resolve(options.filePattern),
      path: path === undefined ? undefined : resolve(path),
      layout: checkLayout<never>('rollingFileSink', layout),
    }),
  })
}

function checkTogether({ path, rollOnStart }: RollingFileSinkOptions, pattern: FilePattern): void {
  if (path === undefined) throw invalid("'multiProcess' needs a 'path', the file that all processes write to")
  if (!pattern.hasIndex) throw invalid("'multiProcess' needs a %i in 'filePattern'")
  if (pattern.gzip)
    throw invalid("'multiProcess' cannot compress: take '.gz' off 'filePattern', or give each process a file of its own")
  if (rollOnStart === true)
    throw invalid("'rollOnStart' would have each process finish the file of the others: not with 'multiProcess'")
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
