export { checksumBuffer, crc32c } from './crc32c'
