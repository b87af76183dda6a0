import { TracelaneError } from '../../errors'
import { LEVELS, type Level } from '../../event'
import { checkOptions, rules } from '../../internal/options'
import { checkLayout, type LayoutOption } from '../../layout'

/** Options of `consoleSink`. */
export interface ConsoleSinkOptions {
  /**
   * Where lines go.
   * @default 'stdout'
   */
  readonly stream?: 'stdout' | 'stderr'
  /**
   * The level from which on lines go to stderr, and not to stdout. Of lines that lay in a spool the level is known if they are JSON.
   * @default undefined: all go to `stream`
   */
  readonly stderrFrom?: Level | undefined
  /**
   * How events become lines (docs/reference/layouts.md); `auto` is `pretty` on a terminal and `json` elsewhere.
   * @default 'auto'
   */
  readonly layout?: 'auto' | LayoutOption
}

/** `consoleSink(...)` as data. */
export interface ConsoleSinkSpec {
  readonly kind: 'console'
  readonly options: Required<ConsoleSinkOptions>
}

/**
 * Lines to stdout or stderr, for terminals, containers and process managers.
 *
 * A reader that is slow or stuck stops the flush thread only, not the application. Throws ERR_TRACELANE_OPTION_* for wrong options.
 */
export function consoleSink(options: ConsoleSinkOptions = {}): ConsoleSinkSpec {
  checkOptions('consoleSink', options, {
    stream: rules.oneOf('stdout', 'stderr'),
    stderrFrom: rules.oneOf(...LEVELS),
    layout: () => undefined,
  })
  const { stream = 'stdout', stderrFrom, layout = 'auto' } = options
  if (stream === 'stderr' && stderrFrom !== undefined) {
    const message =
      "consoleSink: 'stderrFrom' says what goes to stderr instead of stdout, but 'stream' sends all of it there; leave one of them out"
    throw new TracelaneError('ERR_TRACELANE_OPTION_INVALID', message)
  }
  const checked = checkLayout('consoleSink', layout, ['auto'])
  return Object.freeze({ kind: 'console', options: Object.freeze({ stream, stderrFrom, layout: checked }) })
}

/** The descriptors that a console sink writes to. */
export function consoleStreams({ stream, stderrFrom }: Pick<Required<ConsoleSinkOptions>, 'stream' | 'stderrFrom'>): number[] {
  if (stderrFrom !== undefined) return [1, 2]
  return stream === 'stdout' ? [1] : [2]
}
