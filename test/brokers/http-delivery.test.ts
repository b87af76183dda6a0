import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { projectFile, tempFolder } from '../support'
import { type DeliveredLine, deliveryRun, RUN_MS, RUN_TITLE } from './delivery'

interface FromReceiver {
  readonly port?: number
  readonly again: number
}

/* A process that writes what it takes into a file. */
class Receiver {
  readonly file = join(tempFolder(), 'received')
  port = 0
  /* Batches that came again, which it has left out: of the processes before, and of this one. */
  #before = 0
  #again = 0
  #child: ChildProcess | undefined

  get again(): number {
    return this.#before + this.#again
  }

  async start(): Promise<void> {
    const child = fork(projectFile('test/fixtures/brokers/receiver.cjs'), [this.file, String(this.port)], { stdio: 'inherit' })
    this.#child = child
    child.on('message', ({ again }: FromReceiver) => {
      this.#again = again
    })
    const [{ port }] = (await once(child, 'message')) as [FromReceiver]
    this.port = port as number
  }

  send(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  async kill(): Promise<void> {
    const ended = once(this.#child as ChildProcess, 'exit')
    this.send('SIGKILL')
    await ended
    this.#before += this.#again
    this.#again = 0
  }
}

describe('delivery by HTTP', function () {
  this.timeout(RUN_MS)
  let receiver: Receiver

  before(async () => {
    receiver = new Receiver()
    await receiver.start()
  })
  after(() => receiver.kill())

  it(RUN_TITLE, async () => {
    let take: (line: DeliveredLine) => void = () => {}
    await deliveryRun({
      sink: { name: 'httpSink', options: { url: `http://127.0.0.1:${receiver.port}/`, timeoutMs: 1_000 } },
      isOnce: true,
      restart: async () => {
        await receiver.kill()
        await receiver.start()
      },
      pause: () => receiver.send('SIGSTOP'),
      resume: () => receiver.send('SIGCONT'),
      begin: (taking) => {
        take = taking
      },
      end: async () => {
        for await (const text of createInterface(createReadStream(receiver.file))) {
          if (text.startsWith('{')) take(JSON.parse(text) as DeliveredLine)
        }
      },
      note: () => `${receiver.again} batches left out that came again`,
    })
  })
})
