import { hostname } from 'node:os'
import { workerThreads } from '../../internal/builtin'
import type { Layout, Origin } from '../layout'
import { FULL_STACK } from '../stack-text'
import { visible } from '../visible'
import { compile, handlesErrors } from './compile'
import type { Surroundings } from './conversion'
import { stackText } from './error-words'
import { parsePattern } from './parse-pattern'

/** Options of the pattern layout. */
export interface PatternOptions {
  /** logback's conversion words and ours (docs/reference/layouts.md): `%d %-5level [%X{traceId}] %logger{36} - %msg%n`. */
  readonly pattern: string
  /**
   * The time zone of `%d` without one: an IANA name, `UTC` or an offset such as `+02:00`.
   * @default the process's own
   */
  readonly timezone?: string
  /** What `%property{key}` writes. A key that is not here is looked up in the environment. */
  readonly properties?: Readonly<Record<string, string>>
  /**
   * Whether `%red(...)`, `%highlight(...)` and their like colour.
   * @default on a terminal, unless NO_COLOR is set; FORCE_COLOR turns it on elsewhere
   */
  readonly colors?: boolean
  /**
   * What becomes of control characters in messages, fields, names and errors: `escape` shows them as `\n` or `\x1b`, so that nobody
   * can forge a line; `keep` writes them, as logback does.
   * @default 'escape'
   */
  readonly controls?: 'escape' | 'keep'
}

/** Text lines by a pattern. Throws ERR_TRACELANE_OPTION_INVALID, with the column, for a wrong one. */
export function patternLayout(origin: Origin, options: PatternOptions, colors: boolean): Layout {
  return layoutIn(options, surroundingsOf(origin, options, colors))
}

/** `patternLayout` with everything around it given. */
export function layoutIn({ pattern }: Pick<PatternOptions, 'pattern'>, surroundings: Surroundings): Layout {
  const nodes = parsePattern(pattern)
  const write = compile(nodes, surroundings)
  const style = { ...FULL_STACK, show: surroundings.show }
  const whole = handlesErrors(nodes)
    ? write
    : (event: Parameters<Layout>[0], seq: number) => write(event, seq) + stackText(event, style)
  return (event, seq) => {
    const text = whole(event, seq)
    return text.endsWith('\n') ? text : `${text}\n`
  }
}

function surroundingsOf(origin: Origin, options: PatternOptions, colors: boolean): Surroundings {
  const { threadId } = workerThreads()
  return {
    service: origin.service,
    host: hostname(),
    thread: threadId === 0 ? 'main' : `worker-${threadId}`,
    startedAt: Math.floor(performance.timeOrigin),
    caller: origin.caller === true,
    properties: options.properties ?? {},
    timezone: options.timezone,
    colors: options.colors ?? colors,
    show: options.controls === 'keep' ? (text) => text : visible,
  }
}
