/* How the built-in layouts that are JSON write the time, always near the beginning of the line. */
const TIME = /"(?:time|@timestamp)":"(?<iso>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)"|"timeUnixNano":"(?<nano>\d{16,19})"/
const SEARCHED_BYTES = 128
const NEW_LINE = 0x0a

/** When the event happened whose line is at `from`, in milliseconds since the epoch; undefined if the line does not tell. */
export function eventTime(lines: Buffer, from: number): number | undefined {
  if (lines[from] !== 0x7b) return undefined
  const end = lines.indexOf(NEW_LINE, from)
  const head = lines.toString('latin1', from, Math.min(end === -1 ? lines.length : end, from + SEARCHED_BYTES))
  const { iso, nano } = TIME.exec(head)?.groups ?? {}
  const time = nano !== undefined ? Number(nano.slice(0, -6)) : Date.parse(iso ?? '')
  return Number.isNaN(time) ? undefined : time
}
