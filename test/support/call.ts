import { request } from 'node:http'

/** A `traceparent` value of trace `id`. */
export const traceparent = (id: string): string => `00-${id}-00f067aa0ba902b7-01`

/** An answer, read to its end. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** Sends one request with Node's own client. */
export function call(url: string, options: Parameters<typeof request>[1] = {}, body?: string | Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request(url, options, async (res) => {
      const chunks: Buffer[] = []
      for await (const chunk of res) chunks.push(chunk as Buffer)
      resolve({ status: res.statusCode ?? 0, headers: res.headers, body: Buffer.concat(chunks).toString() })
    })
    req.on('error', reject)
    req.end(body)
  })
}
