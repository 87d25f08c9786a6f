// The error in an invalid JSON text, with the message of Go's decoder, since users search for kube-apiserver's messages.
// JSON.parse reports only that a text is invalid, so then the text is scanned once more.

const space = new Set([0x20, 0x09, 0x0a, 0x0d]);
const quote = 0x22;
const backslash = 0x5c;
const minus = 0x2d;
const zero = 0x30;
const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= zero && byte <= 0x39;
const isHex = (byte: number): boolean => isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
const escapes = new Set([...'bfnrt\\/"'].map((character) => character.charCodeAt(0)));
const literals: Readonly<Record<number, string>> = { 116: 'true', 102: 'false', 110: 'null' };

class Wrong extends Error {}

/** Undefined for valid JSON. */
export function jsonSyntaxError(text: Buffer): string | undefined {
  try {
    new Scanner(text).run();
    return undefined;
  } catch (err) {
    if (err instanceof Wrong) return err.message;
    throw err;
  }
}

type Container = 'object' | 'array';

class Scanner {
  private at = 0;
  constructor(private readonly text: Buffer) {}

  /** Without recursion, so that a deep text cannot end the stack. */
  run(): void {
    const open: Container[] = [];
    for (;;) {
      let closed = this.value(open);
      // After a value comes the next value of its container, or the container's end.
      while (closed) {
        const container = open.at(-1);
        if (container === undefined) {
          if (this.skip() !== undefined) this.fail('after top-level value');
          return;
        }
        const byte = this.skip();
        if (byte === 0x2c) {
          this.at++;
          if (container === 'object') this.key();
          break;
        }
        if (byte !== (container === 'object' ? 0x7d : 0x5d)) {
          this.fail(container === 'object' ? 'after object key:value pair' : 'after array element');
        }
        this.at++;
        open.pop();
        closed = true;
      }
    }
  }

  /** False when it opened a container: then the container's first value comes next. */
  private value(open: Container[]): boolean {
    const byte = this.skip();
    if (byte === 0x7b) {
      this.at++;
      if (this.skip() === 0x7d) return this.next();
      this.key();
      open.push('object');
      return false;
    }
    if (byte === 0x5b) {
      this.at++;
      if (this.skip() === 0x5d) return this.next();
      open.push('array');
      return false;
    }
    if (byte === quote) this.string();
    else if (byte !== undefined && literals[byte]) this.literal(literals[byte]);
    else if (byte === minus || isDigit(byte)) this.number();
    else this.fail('looking for beginning of value');
    return true;
  }

  private next(): true {
    this.at++;
    return true;
  }

  private key(): void {
    if (this.skip() !== quote) this.fail('looking for beginning of object key string');
    this.string();
    if (this.skip() !== 0x3a) this.fail('after object key');
    this.at++;
  }

  private string(): void {
    for (this.at++; this.text[this.at] !== quote; this.at++) {
      const byte = this.text[this.at];
      if (byte === undefined || byte < 0x20) this.fail('in string literal');
      if (byte !== backslash) continue;
      this.at++;
      const escaped = this.text[this.at];
      if (escaped === 0x75) {
        for (let i = 0; i < 4; i++) {
          this.at++;
          if (!isHex(this.text[this.at] ?? 0)) this.failWithin('in \\u hexadecimal character escape');
        }
      } else if (escaped === undefined || !escapes.has(escaped)) this.failWithin('in string escape code');
    }
    this.at++;
  }

  private literal(word: string): void {
    for (let i = 1; i < word.length; i++) {
      this.at++;
      if (this.text[this.at] !== word.charCodeAt(i)) this.failWithin(`in literal ${word} (expecting '${word[i]}')`);
    }
    this.at++;
  }

  private number(): void {
    if (this.text[this.at] === minus) this.at++;
    if (!isDigit(this.text[this.at])) this.failWithin('in numeric literal');
    if (this.text[this.at] === zero) this.at++;
    else this.digits();
    if (this.text[this.at] === 0x2e) {
      this.at++;
      if (!isDigit(this.text[this.at])) this.failWithin('after decimal point in numeric literal');
      this.digits();
    }
    if (((this.text[this.at] ?? 0) | 0x20) !== 0x65) return;
    this.at++;
    if (this.text[this.at] === minus || this.text[this.at] === 0x2b) this.at++;
    if (!isDigit(this.text[this.at])) this.failWithin('in exponent of numeric literal');
    this.digits();
  }

  private digits(): void {
    while (isDigit(this.text[this.at])) this.at++;
  }

  /** The next byte that is not white space, undefined at the end. */
  private skip(): number | undefined {
    while (space.has(this.text[this.at] ?? 0)) this.at++;
    return this.text[this.at];
  }

  private fail(where: string): never {
    const byte = this.text[this.at];
    if (byte === undefined) throw new Wrong('unexpected end of JSON input');
    throw new Wrong(`invalid character ${quoted(byte)} ${where}`);
  }

  /** At the end of the text Go tries a space and reports it as the wrong character where white space is not allowed. */
  private failWithin(where: string): never {
    throw new Wrong(`invalid character ${quoted(this.text[this.at] ?? 0x20)} ${where}`);
  }
}

/** One byte as Go prints a character. */
function quoted(byte: number): string {
  if (byte === 0x27) return "'\\''";
  if (byte === quote) return `'"'`;
  const named: Readonly<Record<number, string>> = {
    7: '\\a',
    8: '\\b',
    9: '\\t',
    10: '\\n',
    11: '\\v',
    12: '\\f',
    13: '\\r',
  };
  if (byte < 0x20 || byte === 0x7f) return `'${named[byte] ?? `\\x${byte.toString(16).padStart(2, '0')}`}'`;
  if (byte === backslash) return "'\\\\'";
  if (byte >= 0x80 && byte < 0xa0) return `'\\u00${byte.toString(16)}'`;
  return `'${String.fromCharCode(byte)}'`;
}
