/* Loggers are few, but other loggers may take their names from data. */
const MAX_KNOWN = 4096

/**
 * What is set for loggers by name, where a name passes on what it has to those below it; `otherwise` is for all others. Answers are
 * remembered, for a few thousand loggers.
 */
export function byName<T>(own: Readonly<Record<string, T>>, otherwise: T): (logger: string) => T {
  const known = new Map<string, T>()
  const names = new Map(Object.entries(own))
  return (logger) => {
    let value = known.get(logger)
    if (value === undefined && !known.has(logger)) {
      value = nearest(names, logger, otherwise)
      if (known.size === MAX_KNOWN) known.clear()
      known.set(logger, value)
    }
    return value as T
  }
}

function nearest<T>(names: ReadonlyMap<string, T>, logger: string, otherwise: T): T {
  for (let name = logger; ; ) {
    const value = names.get(name)
    if (value !== undefined) return value
    const dot = name.lastIndexOf('.')
    if (dot === -1) return otherwise
    name = name.slice(0, dot)
  }
}
