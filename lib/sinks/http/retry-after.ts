const SECONDS = /^\d{1,9}$/
/* The three forms of RFC 9110, section 5.6.7: all name a day of the week or a month first. */
const DATE = /^[A-Za-z]{3,9},? /

/** A server that asks for more is asked again after this time. */
const MAX_MS = 600_000

/**
 * How long an answer asks to wait (RFC 9110, section 10.2.3), in milliseconds from 0 to 600,000; undefined if it does not say, or nothing
 * that can be read.
 *
 * A date is taken relative to the answer's own `date`, so that it does not matter whether its clock and ours agree; `now` where that is
 * missing.
 */
export function retryAfterMs(value: string | undefined, date: string | undefined, now: number): number | undefined {
  const text = value?.trim() ?? ''
  const ms = SECONDS.test(text) ? Number(text) * 1000 : timeOf(text) - (timeOf(date?.trim() ?? '') || now)
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_MS)
}

function timeOf(text: string): number {
  return DATE.test(text) ? Date.parse(/(?:GMT|UTC)$/.test(text) ? text : `${text} GMT`) : Number.NaN
}
