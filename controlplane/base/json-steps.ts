// JSON.parse in steps: a large text of another program is parsed piece by piece, and between the pieces this process does other work. Pieces
// are runs of members of the outer arrays and objects; each is given to JSON.parse, which judges the syntax.
import { eventLoop } from './event-loop';

/** JSON.parse needs about a millisecond for it. */
const pieceChars = 64 * 1024;
/** Every level with a member that is larger than a piece reads its text once more. */
const maxLargeLevels = 16;

export interface StepOptions {
  /** Gives a promise when other work waits. */
  readonly pause?: () => Promise<void> | undefined;
  readonly pieceChars?: number;
}

/** As JSON.parse. @throws SyntaxError, also for values above a piece that are nested deeper than 16 levels */
export function parseJsonInSteps(text: string, options: StepOptions = {}): Promise<unknown> {
  const { pause = () => eventLoop.pause() } = options;
  return new Steps(text, pause, options.pieceChars ?? pieceChars).value(0, text.length, 0);
}

type Kind = 'array' | 'object';

class Steps {
  /** Characters until other work may run. */
  private rest: number;

  constructor(
    private readonly text: string,
    private readonly pause: () => Promise<void> | undefined,
    private readonly piece: number,
  ) {
    this.rest = piece;
  }

  async value(from: number, to: number, level: number): Promise<unknown> {
    const start = this.afterBlanks(from);
    const open = this.text[start];
    const kind = open === '[' ? 'array' : open === '{' ? 'object' : undefined;
    if (to - start <= this.piece || !kind) return JSON.parse(this.text.slice(from, to));
    if (level >= maxLargeLevels) throw new SyntaxError(`large values are nested deeper than ${maxLargeLevels} levels`);
    const items: unknown[] = [];
    const entries: [string, unknown][] = [];
    const take = (value: unknown) => {
      if (kind === 'array') for (const each of value as unknown[]) items.push(each);
      else for (const each of Object.entries(value as object)) entries.push(each);
    };
    let chunk = start + 1;
    let member = chunk;
    for (let last = false; !last; ) {
      const end = await this.memberEnd(member, to);
      last = this.text[end] !== ',';
      if (end - member > this.piece) {
        if (member > chunk) take(this.members(kind, chunk, member - 1));
        if (kind === 'array') items.push(await this.value(member, end, level + 1));
        else entries.push(await this.entry(member, end, level + 1));
        chunk = end + 1;
      } else if (last || end - chunk >= this.piece) {
        const isEmpty = last && chunk === start + 1 && this.afterBlanks(chunk) === end;
        if (!isEmpty) take(this.members(kind, chunk, end));
        chunk = end + 1;
      }
      member = end + 1;
      if (last) this.close(kind, end, to);
    }
    // Own fields, also one that is called __proto__, as of JSON.parse.
    return kind === 'array' ? items : Object.fromEntries(entries);
  }

  /** Several members, with the commas between them. */
  private members(kind: Kind, from: number, to: number): unknown {
    const text = this.text.slice(from, to);
    // With brackets around it a text without members would be an empty container.
    if (text.trim() === '') throw new SyntaxError(`a value is missing at ${to}`);
    return JSON.parse(kind === 'array' ? `[${text}]` : `{${text}}`);
  }

  private async entry(from: number, to: number, level: number): Promise<[string, unknown]> {
    const start = this.afterBlanks(from);
    const nameEnd = this.text[start] === '"' ? this.afterString(start) : start;
    const colon = this.afterBlanks(nameEnd);
    if (this.text[colon] !== ':') throw new SyntaxError(`a name is expected at ${start}`);
    return [JSON.parse(this.text.slice(start, nameEnd)) as string, await this.value(colon + 1, to, level)];
  }

  /** The comma after the member, or the bracket that closes its container. Only brackets are counted: JSON.parse sees which they are. */
  private async memberEnd(from: number, to: number): Promise<number> {
    const { text } = this;
    let open = 0;
    for (let at = from; at < to; at++) {
      const code = text.charCodeAt(at);
      if (code === quote) {
        const after = this.afterString(at);
        this.rest -= after - at;
        at = after - 1;
      } else if (code === openBracket || code === openBrace) open++;
      else if (code === closeBracket || code === closeBrace) {
        if (open-- === 0) return at;
      } else if (code === comma && open === 0) return at;
      if (--this.rest < 0) {
        this.rest = this.piece;
        const other = this.pause();
        if (other) await other;
      }
    }
    throw new SyntaxError('Unexpected end of JSON input');
  }

  private close(kind: Kind, end: number, to: number): void {
    if (this.text[end] !== (kind === 'array' ? ']' : '}')) throw new SyntaxError(`a bracket does not match at ${end}`);
    if (this.afterBlanks(end + 1) < to) throw new SyntaxError(`unexpected text after a value at ${end + 1}`);
  }

  /** `at` is the quote that opens it. */
  private afterString(at: number): number {
    for (let end = this.text.indexOf('"', at + 1); end !== -1; end = this.text.indexOf('"', end + 1)) {
      let escapes = 0;
      while (this.text[end - 1 - escapes] === '\\') escapes++;
      if (escapes % 2 === 0) return end + 1;
    }
    throw new SyntaxError('Unterminated string in JSON');
  }

  private afterBlanks(at: number): number {
    let next = at;
    while (' \n\r\t'.includes(this.text[next] ?? 'x')) next++;
    return next;
  }
}

const [quote, comma, openBracket, closeBracket, openBrace, closeBrace] = [...'",[]{}'].map((c) => c.charCodeAt(0));
