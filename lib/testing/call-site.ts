import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const PLACE = /\(?((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*?)(:\d+:\d+)\)?$/

/** `file:line:column` of whoever called `callee`, relative to the working directory; 'somewhere' if the stack does not say. */
export function callSiteOf(callee: (...args: never[]) => unknown): string {
  const holder: { stack?: string } = {}
  Error.captureStackTrace(holder, callee)
  for (const line of holder.stack?.split('\n') ?? []) {
    const [, file, position] = PLACE.exec(line.trim()) ?? []
    if (file === undefined) continue
    const path = file.startsWith('file:') ? fileURLToPath(file) : file
    const short = relative(process.cwd(), path)
    return `${short.startsWith('..') ? path : short}${position}`
  }
  return 'somewhere'
}
