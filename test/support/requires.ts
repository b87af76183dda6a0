import type { Context } from 'mocha'

const required = new Set((process.env['TRACELANE_REQUIRE'] ?? '').split(',').filter((name) => name !== ''))
const skipped = new Map<string, number>()
const unasked = new Map<string, number>()

/**
 * Skips the test (or, in a `before` hook, the suite) that needs `name` when it is not available, and says so when the process
 * ends. With `name` in the comma-separated TRACELANE_REQUIRE the test fails instead.
 */
export function requires(context: Context, name: string, available: boolean): void {
  if (available) return
  if (required.has(name)) throw new Error(`${name} is not available here, and TRACELANE_REQUIRE asks for it`)
  skipped.set(name, (skipped.get(name) ?? 0) + 1)
  context.skip()
}

/**
 * Skips a test that fetches things, or takes long, unless `name` is in TRACELANE_REQUIRE, and says so when the run ends.
 */
export function onlyWhenAsked(context: Context, name: string): void {
  if (required.has(name)) return
  unasked.set(name, (unasked.get(name) ?? 0) + 1)
  context.skip()
}

/** True when the full counts of the issues are asked for, by `npm run test:heavy`. */
export const heavy: boolean = process.env['TRACELANE_HEAVY'] === '1'

/** Has what this process skipped be said on stderr when it ends. */
export function saySkipsAtEnd(): void {
  process.off('exit', saySkips).once('exit', saySkips)
}

function saySkips(): void {
  for (const [name, count] of skipped) {
    process.stderr.write(`skipped ${count}: ${name} is not available here (TRACELANE_REQUIRE=${name} makes that a failure)\n`)
  }
  for (const [name, count] of unasked)
    process.stderr.write(`skipped ${count}: TRACELANE_REQUIRE=${name} runs what needs ${name}\n`)
}
