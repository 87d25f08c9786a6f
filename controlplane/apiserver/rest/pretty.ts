// Indented JSON, for people who read answers in a terminal or a browser.
import { type FullReply, type Headers, header, isFalse, jsonType, queryOf, type Reply } from '../request';

/** Larger answers stay as they are: indenting them would hold the event loop. */
const maxIndentedBytes = 256 * 1024;
/** The same for answers that grow too much: each line of a deep object begins with many spaces. */
const maxResultLength = 2 * 1024 * 1024;

const readers = ['curl', 'Wget', 'Mozilla/5.0'];

/** By the query parameter `pretty`; without it, for browsers and command-line clients, as upstream. */
export function wantsPretty(request: { readonly search: string; readonly headers: Headers }): boolean {
  if (request.search.includes('pretty')) {
    const asked = queryOf(request).get('pretty') ?? '';
    if (asked !== '') return !isFalse(asked) && /^(?:1|t|true)$/i.test(asked);
  }
  const agent = header(request.headers, 'user-agent');
  return readers.some((reader) => agent.startsWith(reader));
}

/** The answer, indented if the client wants that. Only complete answers in JSON change. */
export function asAsked<T extends Reply>(
  request: { readonly search: string; readonly headers: Headers },
  reply: T,
): T | FullReply {
  if (!('body' in reply) || reply.type !== jsonType || !wantsPretty(request)) return reply;
  return reply.body.length > maxIndentedBytes
    ? reply
    : { ...reply, body: Buffer.from(indentJson(reply.body.toString())) };
}

/**
 * Two spaces for each level, as Go indents. Changes no value: numbers keep their digits. `text` must be JSON. Linear; the same text
 * when the result would be longer than `maxLength`.
 */
export function indentJson(text: string, maxLength = maxResultLength): string {
  const parts: string[] = [];
  let length = text.length;
  let level = 0;
  let from = 0;
  const line = (at: number, depth: number) => {
    parts.push(text.slice(from, at), '\n', '  '.repeat(depth));
    length += 1 + 2 * depth;
    from = at;
  };
  for (let at = 0; at < text.length; at++) {
    if (length > maxLength) return text;
    switch (text[at]) {
      case '"':
        at = endOfString(text, at);
        break;
      case '{':
      case '[':
        // An empty object or list stays on its line.
        if (text[at + 1] === '}' || text[at + 1] === ']') at++;
        else line(at + 1, ++level);
        break;
      case '}':
      case ']':
        line(at, --level);
        break;
      case ',':
        line(at + 1, level);
        break;
      case ':':
        parts.push(text.slice(from, at + 1), ' ');
        from = at + 1;
        break;
    }
  }
  parts.push(text.slice(from));
  return parts.join('').trimEnd();
}

/** The index of the closing quote. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at;
  }
  return text.length;
}
