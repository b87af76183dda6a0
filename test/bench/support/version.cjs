// The installed version of a package, whatever its exports map says.
const { readFileSync } = require('node:fs')
const { join } = require('node:path')

exports.version = (name) => JSON.parse(readFileSync(join(__dirname, '../node_modules', name, 'package.json'), 'utf8')).version
