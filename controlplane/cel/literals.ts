// Literals that the library's parser does not read: messages (Object.spec{replicas: 2}) and optional parts ([?a.?b], {?'k': v}). They are
// rewritten as calls before the parser sees them; extensions/literals.ts has the functions. Positions in errors are mapped back.
import { CelCompileError, renderCompileError } from './errors';

/** The functions that the rewritten text calls. */
export const literalFunctions = {
  /** newMessage("Object.spec") begins a message. */
  create: 'k8ts_newMessage',
  /** .set("field", value) sets a field and returns the message. */
  set: 'k8ts_set',
  /** A value that may be absent. */
  optional: 'k8ts_optional',
  /** A list or a map without its absent values. */
  present: 'k8ts_present',
} as const;

/** The message types of an environment. */
export interface MessageTypes {
  /** The text of a call that creates an empty message; undefined when there is no such type. */
  create(type: string): string | undefined;
  hasField(type: string, field: string): boolean;
}

export const noMessages: MessageTypes = { create: () => undefined, hasField: () => false };

export interface Rewritten {
  readonly text: string;
  /** The place in the expression of a place in the text. */
  placeOf(position: number): number;
}

interface Token {
  readonly text: string;
  readonly start: number;
}

/** A bracket that is open, and what its parts need. */
interface Open {
  readonly kind: 'list' | 'map' | 'message' | 'other';
  readonly type: string;
  /** Where `present(` is written when the first optional part is found. */
  readonly at: number;
  hasOptional: boolean;
  /** The part that is read began with a question mark. */
  optionalPart: boolean;
  /** A bracket of the optional part is open: it is closed at the end of the part. */
  optionalOpen: boolean;
  /** At the begin of a part. */
  fresh: boolean;
  /** Question marks of conditions whose colon is still to come. */
  conditions: number;
}

const tokenForm =
  /\s+|\/\/[^\n]*|[rRbB]?(?:"""(?:[^\\]|\\.)*?"""|'''(?:[^\\]|\\.)*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|[A-Za-z_]\w*|\d[\w.]*|./gsy;
const candidate = /[[{,]\s*\?|\w\s*\{/;
const words = new Set(['in', 'true', 'false', 'null']);

const isName = (token: Token | undefined): boolean =>
  token !== undefined && /^[A-Za-z_]\w*$/.test(token.text) && !words.has(token.text);
/** After such a token a bracket is an index and not a list. */
const endsValue = (token: Token | undefined): boolean =>
  token !== undefined && (isName(token) || /^[)\]}"'\d]|["']$|^(true|false|null)$/.test(token.text));
const isSpace = ({ text }: Token): boolean => /^\s|^\/\//.test(text);

/** @throws CelCompileError for a message of an unknown type or with an unknown field */
export function rewriteLiterals(expression: string, types: MessageTypes): Rewritten {
  if (!candidate.test(expression)) return { text: expression, placeOf: (position) => position };
  const out = new Output();
  new Rewriter(expression, types, out).run();
  return out.result();
}

/** Pieces of text, each with its place in the expression. */
class Output {
  private readonly pieces: { text: string; place: number }[] = [];

  get length(): number {
    return this.pieces.length;
  }

  push(text: string, place: number): void {
    this.pieces.push({ text, place });
  }

  prefix(index: number, text: string): void {
    const piece = this.pieces[index]!;
    piece.text = text + piece.text;
  }

  truncate(index: number): void {
    this.pieces.length = index;
  }

  result(): Rewritten {
    const starts: number[] = [];
    let length = 0;
    for (const { text } of this.pieces) {
      starts.push(length);
      length += text.length;
    }
    return {
      text: this.pieces.map(({ text }) => text).join(''),
      placeOf: (position) =>
        this.pieces[
          Math.max(
            0,
            starts.findLastIndex((start) => start <= position),
          )
        ]?.place ?? 0,
    };
  }
}

class Rewriter {
  private readonly tokens: readonly Token[];
  private readonly stack: Open[] = [];
  /** Where each token that is no space was written. */
  private readonly written: { token: Token; at: number }[] = [];

  constructor(
    private readonly expression: string,
    private readonly types: MessageTypes,
    private readonly out: Output,
  ) {
    this.tokens = [...expression.matchAll(tokenForm)].map(({ 0: text, index }) => ({ text, start: index }));
  }

  run(): void {
    for (let i = 0; i < this.tokens.length; i++) {
      const token = this.tokens[i]!;
      if (isSpace(token)) this.out.push(token.text, token.start);
      else i = this.step(token, i);
    }
  }

  /** Returns the index of the last token that was read. */
  private step(token: Token, i: number): number {
    const open = this.stack.at(-1);
    switch (token.text) {
      case '(':
        this.open('other', token, '');
        break;
      case '[':
        this.open(endsValue(this.written.at(-1)?.token) ? 'other' : 'list', token, '');
        break;
      case '{':
        this.openBrace(token);
        break;
      case ')':
      case ']':
      case '}':
        this.close(token, open);
        break;
      case ',':
        this.comma(token, open);
        break;
      case '?':
        this.questionMark(token, open);
        break;
      case ':':
        this.colon(token, open);
        break;
      default:
        if (open?.kind === 'message' && open.fresh && isName(token)) return this.field(token, open, i);
        if (open) open.fresh = false;
        this.write(token);
    }
    return i;
  }

  private write(token: Token, text = token.text): void {
    this.written.push({ token, at: this.out.length });
    this.out.push(text, token.start);
  }

  private open(kind: Open['kind'], token: Token, type: string): void {
    const outer = this.stack.at(-1);
    if (outer) outer.fresh = false;
    this.stack.push({
      ...{ kind, type, at: this.out.length, hasOptional: false, optionalPart: false, optionalOpen: false },
      ...{ fresh: kind !== 'other', conditions: 0 },
    });
    if (kind !== 'message') this.write(token);
  }

  private openBrace(token: Token): void {
    if (!isName(this.written.at(-1)?.token)) {
      this.open('map', token, '');
      return;
    }
    // Object.spec.template{ : the names before the brace are the type.
    let first = this.written.length - 1;
    while (this.written[first - 1]?.token.text === '.' && isName(this.written[first - 2]?.token)) first -= 2;
    const names = this.written.slice(first);
    const type = names.map(({ token: { text } }) => text).join('');
    const create = this.types.create(type);
    if (create === undefined) {
      throw this.error(token.start, `undeclared reference to '${type}' (in container '')`);
    }
    this.out.truncate(names[0]!.at);
    this.written.length = first;
    this.open('message', token, type);
    this.out.push(create, token.start);
  }

  private close(token: Token, open: Open | undefined): void {
    if (open?.optionalOpen) this.out.push(')', token.start);
    this.stack.pop();
    if (open?.kind !== 'message') {
      this.write(token, open?.hasOptional ? `${token.text})` : token.text);
      if (open?.hasOptional) this.out.prefix(open.at, `${literalFunctions.present}(`);
      return;
    }
    // The bracket of the last field is still open.
    this.write(token, open.fresh ? '' : ')');
  }

  private comma(token: Token, open: Open | undefined): void {
    if (!open) {
      this.write(token);
      return;
    }
    if (open.optionalOpen) this.out.push(')', token.start);
    open.optionalOpen = false;
    open.optionalPart = false;
    this.write(token, open.kind === 'message' ? ')' : ',');
    open.fresh = open.kind !== 'other';
  }

  private questionMark(token: Token, open: Open | undefined): void {
    if (!open?.fresh) {
      // An index a[?0] and a field a.?b are the library's own.
      const before = this.written.at(-1)?.token.text;
      if (open && before !== '[' && before !== '.') open.conditions++;
      this.write(token);
      return;
    }
    open.optionalPart = true;
    if (open.kind === 'message') return;
    open.hasOptional = true;
    open.fresh = false;
    if (open.kind === 'map') return;
    open.optionalOpen = true;
    this.out.push(`${literalFunctions.optional}(`, token.start);
  }

  private colon(token: Token, open: Open | undefined): void {
    const separates = open?.kind === 'map' && open.conditions === 0;
    if (open && open.conditions > 0) open.conditions--;
    if (separates && open.optionalPart) open.optionalOpen = true;
    this.write(token, separates && open.optionalPart ? `: ${literalFunctions.optional}(` : ':');
  }

  /** `name:` of a message becomes `.set("name", `. */
  private field(token: Token, open: Open, i: number): number {
    let next = i + 1;
    while (next < this.tokens.length && isSpace(this.tokens[next]!)) next++;
    if (this.tokens[next]?.text !== ':') {
      this.write(token);
      return i;
    }
    if (!this.types.hasField(open.type, token.text)) {
      throw this.error(this.tokens[next]!.start, `undefined field '${token.text}'`);
    }
    open.fresh = false;
    open.optionalOpen = open.optionalPart;
    const optional = open.optionalPart ? `${literalFunctions.optional}(` : '';
    this.write(this.tokens[next]!, `.${literalFunctions.set}("${token.text}", ${optional}`);
    return next;
  }

  private error(place: number, summary: string): CelCompileError {
    return new CelCompileError(`compilation failed: ${renderCompileError(this.expression, place, summary)}`);
  }
}
