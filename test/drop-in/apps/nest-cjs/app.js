// Invoices with NestJS, in JavaScript: decorators are called by hand.
require('reflect-metadata')
const { setTimeout: pause } = require('node:timers/promises')
const { Controller, Get, Injectable, Logger, Module, NotFoundException, Param, Query } = require('@nestjs/common')
const { NestFactory } = require('@nestjs/core')

class InvoiceStore {
  log = new Logger('InvoiceStore')

  async find(nonce) {
    await pause(Math.random() * 10)
    this.log.log({ nonce }, 'read from the store')
  }
}
Injectable()(InvoiceStore)

class Invoices {
  log = new Logger('Invoices')

  constructor(store) {
    this.store = store
  }

  async read(nonce, fail) {
    this.log.log(`${nonce} asked for`)
    await this.store.find(nonce)
    if (fail) {
      this.log.error('not there', new Error(nonce))
      throw new NotFoundException()
    }
    this.log.warn(`${nonce} is overdue`)
    return { nonce }
  }
}
Reflect.defineMetadata('design:paramtypes', [InvoiceStore], Invoices)
Get(':nonce')(Invoices.prototype, 'read', Object.getOwnPropertyDescriptor(Invoices.prototype, 'read'))
Param('nonce')(Invoices.prototype, 'read', 0)
Query('fail')(Invoices.prototype, 'read', 1)
Controller('invoices')(Invoices)

class AppModule {}
Module({ controllers: [Invoices], providers: [InvoiceStore] })(AppModule)

async function main() {
  const app = await NestFactory.create(AppModule)
  await app.listen(Number(process.env.PORT ?? 3000))
  console.log(`listening on ${app.getHttpServer().address().port}`)
  process.on('SIGTERM', () => app.close())
}

main()
