/** How far a zone's clocks are ahead of UTC at an instant, both in milliseconds. */
export type ZoneOffset = (time: number) => number

const MINUTE = 60_000
/* What java.time.ZoneId reads: +02:00, -0530, UTC+1, GMT-03:30. */
const FIXED = /^(?:UTC|GMT|UT)?(?<sign>[+-])(?<hours>\d{1,2})(?::?(?<minutes>\d{2}))?$/

/**
 * The offsets of a zone: an IANA name (`Europe/Berlin`), `UTC`, `Z` or a fixed offset (`+02:00`, `UTC+1`); undefined: this
 * process's own. Undefined for a name that Node does not know.
 */
export function zoneOffset(zone: string | undefined): ZoneOffset | undefined {
  if (zone === undefined) return (time) => -new Date(time).getTimezoneOffset() * MINUTE
  if (zone === 'UTC' || zone === 'GMT' || zone === 'Z') return () => 0
  const { sign, hours, minutes = '0' } = FIXED.exec(zone)?.groups ?? {}
  if (hours !== undefined) {
    const offset = (Number(hours) * 60 + Number(minutes)) * MINUTE
    return Number(hours) <= 18 && Number(minutes) < 60 ? () => (sign === '-' ? -offset : offset) : undefined
  }
  return namedOffset(zone)
}

function namedOffset(zone: string): ZoneOffset | undefined {
  const wallClock = wallClockIn(zone)
  if (wallClock === undefined) return undefined
  let minute = Number.NaN
  let offset = 0
  return (time) => {
    // Clocks have been changed at whole minutes only since 1972, and Intl is slow.
    const now = Math.floor(time / MINUTE)
    if (now !== minute) {
      offset = wallClock(now * MINUTE) - now * MINUTE
      minute = now
    }
    return offset
  }
}

function wallClockIn(zone: string): ((time: number) => number) | undefined {
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      hourCycle: 'h23',
      ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
    })
    return (time) => {
      const parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]))
      const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
      return Date.UTC(year, month - 1, day, hour, minute, second)
    }
  } catch {
    return undefined
  }
}
