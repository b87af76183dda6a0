import { createConnection } from 'node:net'
import { expect } from 'chai'
import { eventOf, requires } from '../support'
import { KafkaCluster, kafkaClassPath } from './kafka'

describe('KafkaCluster', () => {
  let cluster: KafkaCluster | undefined
  before(async function () {
    const classPath = await kafkaClassPath()
    requires(this, 'kafka', classPath !== undefined)
    cluster = await KafkaCluster.start({ classPath: classPath as string })
  })
  after(() => cluster?.stop())

  async function connects(): Promise<boolean> {
    const [host, port] = (cluster?.brokers[0] ?? '').split(':')
    const socket = createConnection(Number(port), host)
    try {
      await eventOf(socket, 'connect')
      return true
    } catch {
      return false
    } finally {
      socket.destroy()
    }
  }

  it('serves where it says, and is gone when it is killed', async () => {
    expect(await connects()).to.equal(true)
    await cluster?.kill(0)
    expect(await connects()).to.equal(false)
  })
})
