import { counters } from '../diagnostics'

/**
 * Which hosts a client may tell about its trace: a list of patterns, or a function that is given `host:port`.
 *
 * A text is a host name (`orders.internal`), one with a port (`orders.internal:8080`), all names below one (`*.internal`), or `*`.
 * A RegExp must match the whole host name, without the port. IPv6 addresses are written in brackets.
 */
export type Targets = readonly (string | RegExp)[] | ((host: string) => boolean)

/** Whether `host:port` may be told. */
export type TargetMatch = (host: string) => boolean

const PATTERN = /^(?<name>\*|(?:\*\.)?[^*:/\s[\]]+|\[[0-9a-f:.]+\])(?::(?<port>\d{1,5}))?$/i
const HOST = /^(?<name>.*?)\.?(?::(?<port>\d{1,5}))?$/s

/** Says what is wrong with `targets`. */
export function targetsRule(value: unknown): string | undefined {
  const isPattern = (one: unknown): boolean => one instanceof RegExp || (typeof one === 'string' && PATTERN.test(one))
  return typeof value === 'function' || (Array.isArray(value) && value.every(isPattern))
    ? undefined
    : "a list of host names ('orders.internal', '*.internal:8080') and RegExps, or a function"
}

/** The test that checked `targets` stand for; undefined: any host. */
export function resolveTargets(targets: Targets | undefined): TargetMatch | undefined {
  if (targets === undefined) return undefined
  if (typeof targets === 'function') return (host) => askQuietly(targets, host)
  const matches = targets.map((pattern) => (typeof pattern === 'string' ? matchOfText(pattern) : matchOfRegExp(pattern)))
  return (host) => {
    const { name = '', port } = HOST.exec(host)?.groups ?? {}
    return matches.some((match) => match(name.toLowerCase(), port))
  }
}

type Match = (name: string, port: string | undefined) => boolean

function matchOfText(pattern: string): Match {
  const { name: given = '', port: wanted } = PATTERN.exec(pattern)?.groups ?? {}
  const name = given.toLowerCase().replace(/\.$/, '')
  const matchesName = (host: string): boolean =>
    name === '*' || (name.startsWith('*.') ? host.endsWith(name.slice(1)) && host.length >= name.length : host === name)
  return (host, port) => (wanted === undefined || wanted === port) && matchesName(host)
}

/* A copy, because the flags g and y make `test` remember where it was; anchored, because `/example\.com/` also finds itself in `example.com.evil`. */
function matchOfRegExp({ source, flags }: RegExp): Match {
  const whole = new RegExp(`^(?:${source})$`, flags.replace(/[gy]/g, ''))
  return (host) => whole.test(host)
}

function askQuietly(allows: (host: string) => unknown, host: string): boolean {
  try {
    // Only true is a yes: a promise is none.
    return allows(host) === true
  } catch {
    counters.userCallbackErrors++
    return false
  }
}
