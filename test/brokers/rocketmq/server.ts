import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectFile, RunningProgram, run } from '../../support'
import { freePorts } from '../free-ports'
import { BROKERS_FOLDER } from '../maven'
import { type ReadMessage, readMessages } from './reader'

/** How to start a server. */
export interface RocketmqOptions {
  readonly classPath: string
  /** Certificate and key as PEM; the proxy takes plain connections beside. @default a certificate that the proxy brings along */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Has the proxy ask who sends. */
  readonly user?: { readonly name: string; readonly password: string }
}

const START_DEADLINE_MS = 120_000
const LIFE_MS = 30 * 60_000
const STARTS = 5
const QUEUES = 4
const JAVA = [
  ...['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.net.preferIPv4Stack=true'],
  ...['--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED', '--add-opens=java.base/java.nio=ALL-UNNAMED'],
  '--add-opens=java.base/sun.nio.ch=ALL-UNNAMED',
]
const NAME_SERVER = 'org.apache.rocketmq.namesrv.NamesrvStartup'
const PROXY = 'org.apache.rocketmq.proxy.ProxyStartup'
const ADMIN = 'org.apache.rocketmq.tools.command.MQAdminStartup'
const USERS =
  'authenticationMetadataProvider=org.apache.rocketmq.auth.authentication.provider.LocalAuthenticationMetadataProvider'
const READER = 'test/brokers/rocketmq/src/Reader.java'

/**
 * A real Apache RocketMQ, until `stop()`: a name server, and a broker with its proxy in one process. Name server and broker listen on loopback. Three ports of the second process
 * listen on all addresses of this machine, because no option says where: those of the proxy for gRPC and for remoting, and that for replicas of the broker. They are
 * open for as long as a test runs, and have no data but the test's.
 */
export class RocketmqServer {
  readonly #options: RocketmqOptions
  readonly #folder: string
  #nameServer: RunningProgram | undefined
  #broker: RunningProgram | undefined
  #ports: readonly number[] = []
  /* Compiled once. */
  #reader: Promise<unknown> | undefined

  private constructor(options: RocketmqOptions) {
    this.#options = options
    mkdirSync(join(BROKERS_FOLDER, 'runs'), { recursive: true })
    this.#folder = mkdtempSync(join(BROKERS_FOLDER, 'runs', 'rocketmq-'))
  }

  /** Resolves when it serves. */
  static async start(options: RocketmqOptions): Promise<RocketmqServer> {
    for (let left = STARTS; ; left--) {
      const server = new RocketmqServer(options)
      try {
        await server.#configure()
        await server.#startNameServer()
        await server.restart()
        return server
      } catch (error) {
        await server.stop()
        // Somebody else may have taken a port in the meantime.
        if (left === 1 || !/already in use/i.test(String(error))) throw error
      }
    }
  }

  /** Where clients connect: the proxy. */
  get endpoint(): string {
    return `127.0.0.1:${this.#port('proxy')}`
  }

  /** Makes a topic, or changes its type. */
  async createTopic(name: string, type: 'FIFO' | 'NORMAL' = 'FIFO'): Promise<void> {
    const queues = String(QUEUES)
    await this.#administer('updateTopic', ['-t', name, '-r', queues, '-w', queues, '-a', `+message.type=${type}`])
  }

  /** Makes topics, all with one program. */
  async createTopics(types: Readonly<Record<string, 'FIFO' | 'NORMAL'>>): Promise<void> {
    const topics = Object.entries(types).map(([topicName, type]) => ({
      ...{ topicName, readQueueNums: QUEUES, writeQueueNums: QUEUES, perm: 6 },
      attributes: { '+message.type': type },
    }))
    await this.#administer('updateTopicList', ['-f', this.#list('topics', topics)])
  }

  /** Makes consumer groups, FIFO or not, all with one program. */
  async createGroups(groups: Readonly<Record<string, 'FIFO' | 'NORMAL'>>): Promise<void> {
    const list = Object.entries(groups).map(([groupName, type]) => ({ groupName, consumeMessageOrderly: type === 'FIFO' }))
    await this.#administer('updateSubGroupList', ['-f', this.#list('groups', list)])
  }

  /** Reads all that is in a topic now, in order within each queue. */
  async read(topic: string): Promise<ReadMessage[]> {
    const { classPath } = this.#options
    this.#reader ??= run('javac', ['-cp', classPath, '-d', this.#folder, projectFile(READER)], { deadlineMs: START_DEADLINE_MS })
    await this.#reader
    const flags = [...this.#flags(192, `${this.#folder}:${classPath}`), 'Reader', this.#nameServerAddress, topic]
    const { stdout, stderr } = await run('java', flags, { cwd: this.#folder, deadlineMs: START_DEADLINE_MS })
    return readMessages(stdout + stderr)
  }

  /** Kills broker and proxy as kill -9 does. */
  async kill(): Promise<void> {
    const broker = this.#broker
    this.#broker = undefined
    await broker?.stop('SIGKILL')
  }

  /** Starts a broker that was killed, on its own data and its own ports; resolves when it serves. */
  async restart(): Promise<void> {
    const files = ['-bc', join(this.#folder, 'broker.conf'), '-pc', join(this.#folder, 'proxy.json')]
    this.#broker = this.#java(384, PROXY, '-pm', 'local', '-n', this.#nameServerAddress, ...files)
    await this.#broker.waitForOutput(/rocketmq-proxy startup successfully/, START_DEADLINE_MS)
  }

  /** Stops broker and proxy in their tracks: connections stay, and nothing is answered. */
  pause(): void {
    this.#broker?.child.kill('SIGSTOP')
  }

  resume(): void {
    this.#broker?.child.kill('SIGCONT')
  }

  /** Kills all and removes the data. Idempotent. */
  async stop(): Promise<void> {
    await this.kill()
    await this.#nameServer?.stop('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  #list(name: string, list: readonly object[]): string {
    const file = join(this.#folder, `${name}.json`)
    writeFileSync(file, JSON.stringify(list))
    return file
  }

  async #administer(command: string, args: readonly string[]): Promise<void> {
    const place = ['-n', this.#nameServerAddress, '-b', `127.0.0.1:${this.#port('broker')}`]
    const flags = [...this.#flags(96), ADMIN, command, ...place, ...args]
    const { stdout, stderr } = await run('java', flags, { cwd: this.#folder, deadlineMs: START_DEADLINE_MS })
    if (!/success/.test(stdout)) throw new Error(`${command} failed: ${stdout}${stderr}`)
  }

  get #nameServerAddress(): string {
    return `127.0.0.1:${this.#port('nameServer')}`
  }

  #port(of: 'nameServer' | 'proxy' | 'remoting' | 'broker' | 'replica'): number {
    return this.#ports[['nameServer', 'proxy', 'remoting', 'broker', 'replica'].indexOf(of)] as number
  }

  async #configure(): Promise<void> {
    this.#ports = await freePorts(5)
    writeFileSync(join(this.#folder, 'namesrv.conf'), `listenPort=${this.#port('nameServer')}\nbindAddress=127.0.0.1\n`)
    writeFileSync(join(this.#folder, 'broker.conf'), this.#brokerProperties().join('\n'))
    writeFileSync(join(this.#folder, 'proxy.json'), JSON.stringify(this.#proxyOptions()))
    writeFileSync(join(this.#folder, 'cert.pem'), this.#options.tls?.cert ?? '')
    writeFileSync(join(this.#folder, 'key.pem'), this.#options.tls?.key ?? '')
  }

  async #startNameServer(): Promise<void> {
    this.#nameServer = this.#java(96, NAME_SERVER, '-c', join(this.#folder, 'namesrv.conf'))
    await this.#nameServer.waitForOutput(/boot success/, START_DEADLINE_MS)
  }

  #flags(heapMiB: number, classPath = this.#options.classPath): string[] {
    // It writes its logs below what it takes for the home of the user.
    const folders = [`-Duser.home=${this.#folder}`, `-Drocketmq.home.dir=${this.#folder}`]
    return [`-Xmx${heapMiB}m`, ...JAVA, ...folders, '-cp', classPath]
  }

  #java(heapMiB: number, main: string, ...args: readonly string[]): RunningProgram {
    return new RunningProgram('java', [...this.#flags(heapMiB), main, ...args], { cwd: this.#folder, deadlineMs: LIFE_MS })
  }

  #brokerProperties(): string[] {
    const store = join(this.#folder, 'store')
    const { user } = this.#options
    return [
      ...['brokerClusterName=tracelane', 'brokerName=broker-0', 'brokerId=0'],
      ...['brokerIP1=127.0.0.1', 'brokerIP2=127.0.0.1', 'bindAddress=127.0.0.1'],
      ...[`listenPort=${this.#port('broker')}`, `haListenPort=${this.#port('replica')}`],
      `namesrvAddr=${this.#nameServerAddress}`,
      ...[`storePathRootDir=${store}`, `storePathCommitLog=${join(store, 'commitlog')}`],
      ...['mappedFileSizeCommitLog=67108864', 'mappedFileSizeConsumeQueue=600000'],
      // Without the wheel it gives nothing to consumers of the proxy.
      ...['timerWheelEnable=true', 'mappedFileSizeTimerLog=1048576'],
      // As often as it can: until then nobody finds the topics of a broker that has come back.
      'registerNameServerPeriod=10000',
      ...['autoCreateTopicEnable=false', 'autoCreateSubscriptionGroup=true'],
      ...(user === undefined
        ? []
        : [USERS, `initAuthenticationUser=${JSON.stringify({ username: user.name, password: user.password })}`]),
      // It refuses to write onto a disk that is nearly full, which a machine for tests may have.
      ...['diskMaxUsedSpaceRatio=98', 'diskSpaceWarningLevelRatio=98', 'diskSpaceCleanForciblyRatio=97'],
    ]
  }

  #proxyOptions(): object {
    const { tls, user } = this.#options
    return {
      ...{ rocketMQClusterName: 'tracelane', proxyMode: 'LOCAL', namesrvAddr: this.#nameServerAddress },
      ...{ grpcServerPort: this.#port('proxy'), remotingListenPort: this.#port('remoting'), localServeAddr: '127.0.0.1' },
      ...{ tlsTestModeEnable: tls === undefined },
      ...(tls && { tlsCertPath: join(this.#folder, 'cert.pem'), tlsKeyPath: join(this.#folder, 'key.pem') }),
      ...(user && {
        authenticationEnabled: true,
        authenticationProvider: 'org.apache.rocketmq.auth.authentication.provider.DefaultAuthenticationProvider',
        // It asks the broker, who has the users.
        authenticationMetadataProvider: 'org.apache.rocketmq.proxy.auth.ProxyAuthenticationMetadataProvider',
      }),
    }
  }
}
