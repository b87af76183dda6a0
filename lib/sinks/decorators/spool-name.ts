/** The name of a spool, under which its records are sent: the last part of its directory. */
export function spoolNameOf(directory: string): string {
  return directory.split(/[\\/]/).at(-1) as string
}
