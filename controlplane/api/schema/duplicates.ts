// Finds keys that occur twice in one JSON object: JSON.parse silently keeps the last, but field validation has to name them.
// The text must be valid JSON; it is scanned once, without building values.

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;

interface Frame {
  readonly keys: Set<string> | undefined;
  /** The path of the object or list itself. */
  readonly path: string;
  index: number;
  /** The key whose value comes next. */
  key: string;
}

/** A key of the text and where its quote stands. `path` is built on demand: most callers want few of them. */
type VisitField = (path: () => string, isDuplicate: boolean, key: string, at: number) => void;

/** Paths like spec.containers[0].name of duplicate fields, in the order of the second occurrence. */
export function findDuplicateFields(text: string): string[] {
  const duplicates: string[] = [];
  scanFields(text, (path, isDuplicate) => {
    if (isDuplicate) duplicates.push(path());
  });
  return duplicates;
}

/** Calls `visit` for every key of every object, in the order of the text. */
export function scanFields(text: string, visit: VisitField): void {
  const stack: Frame[] = [];
  let frame: Frame | undefined;
  let expectKey = false;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case quote: {
        const end = endOfString(text, i);
        if (expectKey && frame?.keys) {
          const parent = frame;
          parent.key = unquote(text, i, end);
          const isDuplicate = frame.keys.has(parent.key);
          frame.keys.add(parent.key);
          visit(() => childPath(parent), isDuplicate, parent.key, i);
          expectKey = false;
        }
        i = end;
        break;
      }
      case openBrace:
      case openBracket: {
        const isObject = text.charCodeAt(i) === openBrace;
        const path: string = frame ? childPath(frame) : '';
        frame = { keys: isObject ? new Set() : undefined, path, index: 0, key: '' };
        stack.push(frame);
        expectKey = isObject;
        break;
      }
      case closeBrace:
      case closeBracket:
        stack.pop();
        frame = stack.at(-1);
        expectKey = false;
        break;
      case comma:
        if (frame) frame.index++;
        expectKey = frame?.keys !== undefined;
        break;
    }
  }
}

function childPath({ keys, path, index, key }: Frame): string {
  if (!keys) return `${path}[${index}]`;
  return path === '' ? key : `${path}.${key}`;
}

function endOfString(text: string, start: number): number {
  // indexOf is many times faster than a loop over the characters.
  let end = text.indexOf('"', start + 1);
  while (end >= 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end;
}

/** Whether an odd number of backslashes precedes this place. */
function isEscaped(text: string, at: number): boolean {
  let before = at;
  while (text.charCodeAt(before - 1) === backslash) before--;
  return (at - before) % 2 === 1;
}

function unquote(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end);
  return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
}
