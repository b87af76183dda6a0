/*
 * Keys whose values are secret unless the application says otherwise: a key is one of these if it ends with it, without case,
 * separators and a number at the end. What a name means stands at its end: `dbPassword`, `DB_PASSWORD` and `db-password2` are passwords,
 * `tokenCount` is a count and `cookieName` a name. Anywhere in the key would take those away too; whole keys only would let `dbPassword` pass.
 */
const ENDS: readonly string[] = [
  ...['password', 'passwd', 'pwd', 'passphrase', 'passcode', 'pincode', 'passwordhash', 'passwordconfirmation'],
  ...['secret', 'token', 'jwt', 'otp', 'credentials', 'sessionid', 'connectsid'],
  ...['apikey', 'accesskey', 'secretkey', 'privatekey', 'signingkey', 'encryptionkey', 'masterkey'],
  ...['authorization', 'cookie', 'cookies'],
  ...['creditcard', 'creditcardnumber', 'cardnumber', 'cvv', 'cvc', 'securitycode', 'ssn'],
]

/* Parameters of URLs that are secret there; as the key of an object they may be anything. */
const SECRET_IN_URL: ReadonlySet<string> = new Set(['sig', 'code', 'key', 'auth', 'assertion', 'ticket'])

/* What stands behind these in a text goes on to the end of the line: `Cookie: a=1; b=2`. */
const WHOLE_LINE = /(?:authorization|cookies?)$/

/** A key without its case, its separators and a number at its end: `Set-Cookie`, `set_cookie` and `setCookie2` are the same. */
export function plainKey(key: string): string {
  return key
    .toLowerCase()
    .replace(/[^a-z0-9\u0080-\uffff]/g, '')
    .replace(/\d+$/, '')
}

/** Whether a plain key ends as one of the list. */
export function isSecretByDefault(plain: string): boolean {
  return ENDS.some((end) => plain.endsWith(end))
}

/** Whether a plain key is that of a parameter that is secret in a URL, though not elsewhere. */
export function isSecretInUrl(plain: string): boolean {
  return SECRET_IN_URL.has(plain) || plain.endsWith('signature')
}

/** Whether the secret behind a plain key in a text ends only where the line ends. */
export function takesWholeLine(plain: string): boolean {
  return WHOLE_LINE.test(plain)
}
