import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { type HttpTlsOptions, httpSink } from 'tracelane'
import { type BatchResult, openAsyncSink } from '../../../lib/sinks'
import { projectFile, sinkBatch } from '../../support'
import { listening, type TestServer } from '../../support/http-server'

const pem = (name: string): string => readFileSync(projectFile(`test/fixtures/tls/${name}.pem`), 'utf8')
const [cert, key] = [pem('cert'), pem('key')]

describe('openAsyncSink() of an httpSink over TLS', () => {
  let server: TestServer
  let clients: boolean[]

  before(async () => {
    server = await listening(
      createServer({ cert, key, ca: cert, requestCert: true, rejectUnauthorized: false }, (req, res) => {
        clients.push((req.socket as TLSSocket).authorized)
        req.resume().on('end', () => res.end())
      }),
    )
  })

  after(() => server.close())

  beforeEach(() => {
    clients = []
  })

  async function send(tls: HttpTlsOptions, host = '127.0.0.1'): Promise<BatchResult> {
    const sink = openAsyncSink(httpSink({ url: `https://${host}:${server.port}/in`, tls }))
    const results = [await sink.send(batch), await sink.send(batch)]
    await sink.close()
    expect(results[1]?.outcome).to.equal(results[0]?.outcome)
    return results[0] as BatchResult
  }
  const batch = sinkBatch('{}\n')

  it('delivers to a server whose certificate is trusted', async () => {
    expect(await send({ ca: cert })).to.deep.equal({ outcome: 'delivered' })
    expect(await send({ ca: [cert] }, 'localhost')).to.deep.equal({ outcome: 'delivered' })
    expect(clients).to.deep.equal([false, false, false, false])
  })

  it('shows a certificate of its own', async () => {
    expect(await send({ ca: cert, cert, key })).to.deep.equal({ outcome: 'delivered' })
    expect(clients).to.deep.equal([true, true])
  })

  it('sends nothing to a server whose certificate is not trusted, and may try again', async () => {
    const result = await send({})
    expect(result).to.include({ outcome: 'retryable' })
    expect((result as { reason: string }).reason).to.match(/failed: self-signed certificate/)
    expect(clients).to.deep.equal([])
  })

  it('sends nothing to a server whose certificate is for another name', async () => {
    const result = await send({ ca: cert, servername: 'logs.example' })
    expect((result as { reason: string }).reason).to.match(/does not match certificate/)
    expect(clients).to.deep.equal([])
  })

  it('takes any certificate if it is told to', async () => {
    expect(await send({ rejectUnauthorized: false })).to.deep.equal({ outcome: 'delivered' })
  })
})
