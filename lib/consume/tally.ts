/** The counts of a consumer. */
export interface Tally {
  handled: number
  duplicates: number
  quarantined: number
  failures: number
}

export function newTally(): Tally {
  return { handled: 0, duplicates: 0, quarantined: 0, failures: 0 }
}
