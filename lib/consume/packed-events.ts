import type { ConsumedEvent } from './event'

/** The events in a value that a sink has packed, in order, by what it said of them; of another program's value each line is an event without a name. */
export function packedEvents(value: Buffer, said: ReadonlyMap<string, string>): ConsumedEvent[] {
  if (value.length === 0) return []
  const instance = said.get('tracelane-instance')
  const traceId = said.get('tracelane-trace')
  const lines = linesOf(value, numbersIn(said.get('tracelane-length')))
  const differences = numbersIn(said.get('tracelane-seq'))
  // Who writes such headers is a stranger: an event must not be dropped because it has got the name of another.
  if (instance === undefined || differences?.length !== lines.length) {
    return lines.map((line) => ({ line, instance: undefined, seq: undefined, traceId }))
  }
  let seq = 0
  return lines.map((line, i) => {
    seq += differences[i] as number
    return { line, instance, seq, traceId }
  })
}

/* Lengths are there if an event has line breaks in it. */
function linesOf(value: Buffer, lengths: readonly number[] | undefined): string[] {
  if (lengths === undefined || sumOf(lengths) !== value.length) return value.toString().replace(/\n$/, '').split('\n')
  let at = 0
  return lengths.map((length) => {
    at += length
    return value.toString('utf8', at - length, at).replace(/\n$/, '')
  })
}

function numbersIn(text: string | undefined): number[] | undefined {
  return text !== undefined && /^\d{1,15}(,-?\d{1,15})*$/.test(text) ? text.split(',').map(Number) : undefined
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}
