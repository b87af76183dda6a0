/* What must be escaped: JSON's own, and DEL and the C1 controls, which a terminal may obey. Lone surrogates are escaped by JSON.stringify. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const UNSAFE = /[\u0000-\u001f"\\\u007f-\u009f\ud800-\udfff]/
const C1 = /[\u007f-\u009f]/g

/** `text` as a JSON string in quotes: one line, without any control character. */
export function quote(text: string): string {
  if (!UNSAFE.test(text)) return `"${text}"`
  return JSON.stringify(text).replace(C1, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)
}
