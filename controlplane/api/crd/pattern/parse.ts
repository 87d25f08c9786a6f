// Parses a regular expression in the syntax of Go's package regexp (RE2), which users write in `pattern`, to a tree. RE2 has no back
// references and no look-around, so every pattern can be matched in time linear in the text.

/** A set of code points as a test. */
export type CharTest = (code: number) => boolean;

export type Node =
  | { readonly op: 'char'; readonly test: CharTest }
  | { readonly op: 'assert'; readonly what: Assertion }
  | { readonly op: 'all' | 'any'; readonly nodes: readonly Node[] }
  | { readonly op: 'repeat'; readonly node: Node; readonly min: number; readonly max: number };

export type Assertion = 'begin' | 'end' | 'beginLine' | 'endLine' | 'word' | 'notWord';

export class PatternError extends Error {}

interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
}

/** Go's bounds. */
const maxRepeat = 1_000;
const maxDepth = 1_000;

/** @throws PatternError with Go's message */
export function parsePattern(text: string): Node {
  return new Parser(text).parse();
}

class Parser {
  private readonly chars: readonly string[];
  private at = 0;
  private flags: Flags = { i: false, m: false, s: false };
  private depth = 0;

  constructor(private readonly text: string) {
    this.chars = [...text];
  }

  parse(): Node {
    const node = this.alternatives();
    if (this.at < this.chars.length) throw this.error('unexpected )', this.text);
    return node;
  }

  private alternatives(): Node {
    if (++this.depth > maxDepth) throw this.error('expression nests too deeply', this.text);
    const before = this.flags;
    const nodes = [this.sequence()];
    while (this.take('|')) nodes.push(this.sequence());
    this.flags = before;
    this.depth--;
    return nodes.length === 1 ? nodes[0]! : { op: 'any', nodes };
  }

  private sequence(): Node {
    const nodes: Node[] = [];
    while (this.at < this.chars.length && this.peek() !== '|' && this.peek() !== ')') {
      const from = this.at;
      const atom = this.atom();
      if (atom) nodes.push(this.repeated(atom, from));
    }
    return { op: 'all', nodes };
  }

  /** Undefined for flags, which match nothing. */
  private atom(): Node | undefined {
    const from = this.at;
    const char = this.next();
    switch (char) {
      case '(':
        return this.group(from);
      case '[':
        return { op: 'char', test: this.charClass(from) };
      case '.':
        return { op: 'char', test: this.flags.s ? () => true : (code) => code !== 10 };
      case '^':
        return { op: 'assert', what: this.flags.m ? 'beginLine' : 'begin' };
      case '$':
        return { op: 'assert', what: this.flags.m ? 'endLine' : 'end' };
      case '*':
      case '+':
      case '?':
        throw this.error('missing argument to repetition operator', char);
      case '\\':
        return this.escape(from);
      default:
        return this.literal(char);
    }
  }

  private literal(char: string): Node {
    return { op: 'char', test: equals(char.codePointAt(0)!, this.flags.i) };
  }

  private group(from: number): Node | undefined {
    const outer = this.flags;
    if (this.take('?')) {
      const rest = this.chars.slice(this.at, this.at + 100).join('');
      const name = /^P?<(\w*)>/.exec(rest);
      const flags = /^([imsU]*)(?:-([imsU]+))?([:)])/.exec(rest);
      if (name && name[1] !== '') this.at += name[0].length;
      else if (flags) {
        this.at += flags[0].length;
        this.setFlags(flags[1]!, true);
        this.setFlags(flags[2] ?? '', false);
        // Flags without a group count until the end of the group around them.
        if (flags[3] === ')') return undefined;
      } else throw this.error('invalid or unsupported Perl syntax', `(?${rest.slice(0, 1)}`);
    }
    const node = this.alternatives();
    if (!this.take(')')) throw this.error('missing closing )', this.text.slice(from === 0 ? 0 : from));
    this.flags = outer;
    return node;
  }

  private setFlags(letters: string, value: boolean): void {
    for (const letter of letters) if (letter !== 'U') this.flags = { ...this.flags, [letter]: value };
  }

  private repeated(atom: Node, from: number): Node {
    let node = atom;
    for (let count = 0; ; count++) {
      const start = this.at;
      const range = this.range();
      if (!range) return node;
      if (count > 0) throw this.error('invalid nested repetition operator', this.slice(start - 1, this.at));
      // A `?` makes the repetition lazy, which changes nothing about whether a text matches.
      this.take('?');
      const [min, max] = range;
      if (min > maxRepeat || (max !== Number.POSITIVE_INFINITY && (max > maxRepeat || max < min))) {
        throw this.error('invalid repeat count', this.slice(start, this.at));
      }
      node = { op: 'repeat', node, min, max };
      if (from < 0) return node;
    }
  }

  private range(): readonly [number, number] | undefined {
    if (this.take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.take('?')) return [0, 1];
    if (this.peek() !== '{') return undefined;
    // Any other text after a brace is literal, as in Go.
    const found = /^\{(\d{1,9})(?:(,)(\d{0,9}))?\}/.exec(this.slice(this.at, this.at + 24));
    if (!found) return undefined;
    this.at += found[0].length;
    const min = Number(found[1]);
    if (!found[2]) return [min, min];
    return [min, found[3] === '' ? Number.POSITIVE_INFINITY : Number(found[3])];
  }

  private escape(from: number): Node | undefined {
    const char = this.peek();
    if (char === undefined) throw this.error('trailing backslash at end of expression', '');
    const assertion = assertions[char];
    if (assertion) {
      this.at++;
      return { op: 'assert', what: assertion };
    }
    if (char === 'Q') {
      this.at++;
      return this.quoted();
    }
    return { op: 'char', test: this.escapedChar(from) };
  }

  /** \Q...\E */
  private quoted(): Node {
    const nodes: Node[] = [];
    while (this.at < this.chars.length && this.slice(this.at, this.at + 2) !== '\\E')
      nodes.push(this.literal(this.next()));
    this.at = Math.min(this.at + 2, this.chars.length);
    return { op: 'all', nodes };
  }

  /** After a backslash, inside a class or outside. */
  private escapedChar(from: number): CharTest {
    const char = this.next();
    const known = perlClasses[char];
    if (known) return known;
    if (char === 'p' || char === 'P') return this.unicodeClass(from, char === 'P');
    return equals(this.escapedCode(char, from), this.flags.i);
  }

  private escapedCode(char: string, from: number): number {
    if (char === 'x') {
      const found = /^(?:\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{2}))/.exec(this.slice(this.at, this.at + 8));
      if (!found) throw this.error('invalid escape sequence', this.slice(from, this.at));
      this.at += found[0].length;
      return Number.parseInt(found[1] ?? found[2]!, 16);
    }
    const control = controls[char];
    if (control !== undefined) return control;
    if (char === '0' || /[1-7]/.test(char)) {
      const octal = /^[0-7]{1,2}/.exec(this.slice(this.at, this.at + 2))?.[0] ?? '';
      // Go has no back references: \1 alone is an error.
      if (char !== '0' && octal === '') throw this.error('invalid escape sequence', this.slice(from, this.at));
      this.at += octal.length;
      return Number.parseInt(char + octal, 8);
    }
    if (/[A-Za-z89]/.test(char)) throw this.error('invalid escape sequence', this.slice(from, this.at));
    return char.codePointAt(0)!;
  }

  private unicodeClass(from: number, negated: boolean): CharTest {
    const found = /^(?:\{(\^?)(\w+)\}|(\w))/.exec(this.slice(this.at, this.at + 40));
    this.at += found?.[0].length ?? 0;
    const name = found?.[2] ?? found?.[3] ?? '';
    const pattern = name === 'Any' ? /^.$/su : unicodePattern(name);
    if (!found || !pattern) throw this.error('invalid character class range', this.slice(from, this.at));
    const test: CharTest = (code) => pattern.test(String.fromCodePoint(code));
    return negated !== (found[1] === '^') ? (code) => !test(code) : test;
  }

  private charClass(from: number): CharTest {
    const negated = this.take('^');
    const tests: CharTest[] = [];
    for (let first = true; first || this.peek() !== ']'; first = false) {
      if (this.at >= this.chars.length) throw this.error('missing closing ]', this.slice(from, this.chars.length));
      const posix = /^\[:(\^?)(\w+):\]/.exec(this.slice(this.at, this.at + 14));
      const named = posix && posixClasses[posix[2]!];
      if (posix) {
        if (!named) throw this.error('invalid character class range', posix[0]);
        this.at += posix[0].length;
        tests.push(posix[1] === '^' ? (code) => !named(code) : named);
        continue;
      }
      tests.push(this.classItem());
    }
    this.at++;
    const single = tests.length === 1 ? tests[0]! : (code: number) => tests.some((test) => test(code));
    return negated ? (code) => !single(code) : single;
  }

  private classItem(): CharTest {
    const from = this.at;
    const low = this.classCode();
    if (typeof low === 'function') return low;
    if (this.peek() !== '-' || this.chars[this.at + 1] === ']' || this.at + 1 >= this.chars.length) {
      return equals(low, this.flags.i);
    }
    this.at++;
    const high = this.classCode();
    if (typeof high === 'function' || high < low) {
      throw this.error('invalid character class range', this.slice(from, this.at));
    }
    const inRange: CharTest = (code) => code >= low && code <= high;
    return this.flags.i ? (code) => foldsOf(code).some(inRange) : inRange;
  }

  private classCode(): number | CharTest {
    const from = this.at;
    const char = this.next();
    if (char !== '\\') return char.codePointAt(0)!;
    const escaped = this.peek() ?? '';
    if (perlClasses[escaped] || escaped === 'p' || escaped === 'P') return this.escapedChar(from);
    if (escaped === '') throw this.error('missing closing ]', this.text);
    this.at++;
    return this.escapedCode(escaped, from);
  }

  private peek(): string | undefined {
    return this.chars[this.at];
  }

  private next(): string {
    return this.chars[this.at++] ?? '';
  }

  private take(char: string): boolean {
    if (this.chars[this.at] !== char) return false;
    this.at++;
    return true;
  }

  private slice(from: number, to: number): string {
    return this.chars.slice(Math.max(0, from), to).join('');
  }

  private error(what: string, where: string): PatternError {
    return new PatternError(`error parsing regexp: ${what}: \`${where.slice(0, 200)}\``);
  }
}

const assertions: Readonly<Record<string, Assertion | undefined>> = { A: 'begin', z: 'end', b: 'word', B: 'notWord' };
const controls: Readonly<Record<string, number | undefined>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };

const digit: CharTest = (code) => code >= 48 && code <= 57;
const lower: CharTest = (code) => code >= 97 && code <= 122;
const upper: CharTest = (code) => code >= 65 && code <= 90;
export const isWord: CharTest = (code) => digit(code) || lower(code) || upper(code) || code === 95;
const space: CharTest = (code) => code === 32 || code === 9 || code === 10 || code === 12 || code === 13;
const not =
  (test: CharTest): CharTest =>
  (code) =>
    !test(code);

const perlClasses: Readonly<Record<string, CharTest | undefined>> = {
  d: digit,
  D: not(digit),
  w: isWord,
  W: not(isWord),
  s: space,
  S: not(space),
};

const posixClasses: Readonly<Record<string, CharTest | undefined>> = {
  alnum: (code) => digit(code) || lower(code) || upper(code),
  alpha: (code) => lower(code) || upper(code),
  ascii: (code) => code < 128,
  blank: (code) => code === 32 || code === 9,
  cntrl: (code) => code < 32 || code === 127,
  digit,
  graph: (code) => code > 32 && code < 127,
  lower,
  print: (code) => code >= 32 && code < 127,
  punct: (code) => code > 32 && code < 127 && !(digit(code) || lower(code) || upper(code)),
  space: (code) => space(code) || code === 11,
  upper,
  word: isWord,
  xdigit: (code) => digit(code) || (code >= 97 && code <= 102) || (code >= 65 && code <= 70),
};

/** Of one code point, so it cannot backtrack. Undefined for an unknown name. */
function unicodePattern(name: string): RegExp | undefined {
  for (const property of [name, `Script=${name}`]) {
    try {
      return new RegExp(`^\\p{${property}}$`, 'u');
    } catch {
      // Not this kind of property.
    }
  }
  return undefined;
}

function foldsOf(code: number): number[] {
  const char = String.fromCodePoint(code);
  return [code, char.toLowerCase().codePointAt(0)!, char.toUpperCase().codePointAt(0)!];
}

function equals(code: number, folds: boolean): CharTest {
  if (!folds) return (other) => other === code;
  const same = new Set(foldsOf(code));
  return (other) => same.has(other) || foldsOf(other).some((one) => same.has(one));
}
