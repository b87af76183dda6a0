/* Names of loggers are few; whoever makes them up as it goes shall not fill the memory. */
const MAX_CACHED = 1000

/**
 * Shortens dotted names to about `target` characters, the leftmost parts first, each to its first letter: logback's
 * TargetLengthBasedClassNameAbbreviator. The last part is never shortened; a target of 0 leaves it alone.
 */
export function abbreviator(target: number): (name: string) => string {
  const known = new Map<string, string>()
  return (name) => {
    const cached = known.get(name)
    if (cached !== undefined) return cached
    const short = target === 0 ? name.slice(name.lastIndexOf('.') + 1) : abbreviate(name, target)
    if (known.size === MAX_CACHED) known.clear()
    known.set(name, short)
    return short
  }
}

function abbreviate(name: string, target: number): string {
  const lastDot = name.lastIndexOf('.')
  if (name.length < target || lastDot === -1) return name
  const toTrim = lastDot - Math.max(target - (name.length - lastDot), 0)
  let short = ''
  let trimmed = 0
  let first = true
  let at = 0
  for (; at < lastDot; at++) {
    const char = name[at]
    if (char === '.') {
      if (trimmed >= toTrim) break
      short += char
      first = true
    } else if (first) {
      short += char
      first = false
    } else trimmed++
  }
  return short + name.slice(at)
}
