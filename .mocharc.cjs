const { availableParallelism } = require('node:os')

/* Each file runs whole, in one of a few processes: half of a run waits for programs that tests start. More processes than this disturb each other. */
const MOST_JOBS = 4

module.exports = {
  spec: ['dist/test/**/*.test.js'],
  // They need real servers, which have to be fetched: npm run test:brokers.
  ignore: ['dist/test/brokers/**'],
  require: ['./dist/test/support/hooks.js'],
  timeout: 20_000,
  forbidOnly: true,
  parallel: true,
  jobs: Math.min(availableParallelism() + 1, MOST_JOBS),
}
