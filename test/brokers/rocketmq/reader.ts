/** A message as the Java client reads it. */
export interface ReadMessage {
  readonly queue: number
  readonly offset: number
  readonly body: string
  /** Those of the sender, and `TAGS`, `KEYS`, `__SHARDINGKEY` and others that the broker adds. */
  readonly properties: Readonly<Record<string, string>>
}

/** What `Reader.java` has printed, in order within each queue. */
export function readMessages(printed: string): ReadMessage[] {
  if (!printed.includes('read to the end')) throw new Error(`the topic cannot be read: ${printed}`)
  return printed
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as ReadMessage)
    .map((message) => ({ ...message, body: Buffer.from(message.body, 'base64').toString() }))
    .sort((a, b) => a.queue - b.queue || a.offset - b.offset)
}
