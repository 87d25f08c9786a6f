// Keys that occur twice in one mapping of a YAML body, for field validation. The JSON that a body becomes has the keys but not their
// lines, so the converter keeps the texts in addition.
import { maxFindings } from '../../api/schema/compile';
import { scanFields } from '../../api/schema/duplicates';

const found = new WeakMap<Buffer, readonly string[]>();

/** Returns `json`. `texts` are those of duplicateKey. */
export function keepDuplicateKeys(json: Buffer, texts: readonly string[]): Buffer {
  found.set(json, texts);
  return json;
}

/** In the order of the text. Undefined when `body` was no YAML, or when its converter saw that it is JSON. */
export const duplicateKeysOf = (body: Buffer): readonly string[] | undefined => found.get(body);

/** `line 7: key "foo" already set in map`, in the words of upstream's parser. `key` is JSON; a key of another type has no quotes. */
export const duplicateKey = (line: number, key: string): string => `line ${line}: key ${key} already set in map`;

/** Upstream's text for several of them, or for one. */
export const unmarshalErrors = (texts: readonly string[]): string => `yaml: unmarshal errors:\n  ${texts.join('\n  ')}`;

/** The duplicate keys of JSON that is read as YAML. */
export function duplicateKeysIn(json: string): string[] {
  const texts: string[] = [];
  const lines = new LineCounter(json);
  scanFields(json, (_path, isDuplicate, key, at) => {
    if (isDuplicate && texts.length < maxFindings) texts.push(duplicateKey(lines.lineOf(at), JSON.stringify(key)));
  });
  return texts;
}

/** Lines of rising places in a text, from 1 on: all of them together cost one pass. */
export class LineCounter {
  private line = 1;
  private next = 0;

  constructor(private readonly text: string) {}

  /** `at` must not be less than in the call before. */
  lineOf(at: number): number {
    for (;;) {
      const end = this.text.indexOf('\n', this.next);
      if (end < 0 || end >= at) return this.line;
      this.next = end + 1;
      this.line++;
    }
  }
}
