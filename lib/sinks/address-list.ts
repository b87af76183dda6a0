import type { Rule } from '../internal/options'

const ADDRESS = /^(\[[0-9a-f:.]+\]|[\w.-]+):([1-9]\d{0,4})$/i

/** One `host:port` at least; an address of IPv6 in brackets. `example` is shown to who gives something else. */
export function addressListRule(example: string): Rule {
  return (value) =>
    Array.isArray(value) && value.length > 0 && value.every((text) => typeof text === 'string' && ADDRESS.test(text))
      ? undefined
      : `a list of addresses such as '${example}'`
}
