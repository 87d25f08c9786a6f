// Converts YAML to JSON text, in time and space linear in the input. The decoder of JSON reads the text next and has its own
// bounds; a duplicate key stays duplicate in the text, so that field validation can name it.
import { EVENT_ID, type Event, getScalarValue, parseEvents, SCALAR_STYLE, type ScalarEvent } from 'js-yaml';
import { maxJsonDepth, maxJsonValues, tooDeep } from '../../api/json-text';
import { maxFindings } from '../../api/schema/compile';
import { BadRequest, describeError } from '../../base/errors';
import { duplicateKey, LineCounter } from './duplicate-keys';
import { plainToJson, taggedToJson } from './scalars';

/** Aliases repeat parts of a document; the text must not become longer than a body may be. */
const maxJsonLength = 3 * 1024 * 1024;
/** A bound of its own, since `<<` copies pairs before any text is written: a small document can copy a large mapping many times. */
const maxMergedPairs = 10_000;

type Node = string | readonly Node[] | Mapping;
/** Pairs in their order; a list, since a key may occur twice. */
class Mapping {
  constructor(readonly pairs: readonly (readonly [key: string, value: Node])[]) {}
}

export interface ConvertedYaml {
  readonly json: string;
  /** Texts of `duplicateKey`, in the order of the source. */
  readonly duplicateKeys: readonly string[];
}

/** @throws BadRequest for invalid YAML, or values without a JSON form */
export const yamlToJson = (source: string): string => convertYaml(source).json;

/** @throws BadRequest for invalid YAML, or values without a JSON form */
export function convertYaml(source: string): ConvertedYaml {
  let events: readonly Event[];
  try {
    events = parseEvents(source, { maxDepth: maxJsonDepth });
  } catch (cause) {
    throw new BadRequest(`error converting YAML to JSON: yaml: ${describeYamlError(cause)}`);
  }
  const reader = new Reader(source, events);
  const document = reader.read();
  // Without aliases the text has no more values than the source, and the decoder of JSON counts them.
  const json = new Writer(reader.aliased ? maxJsonValues : Number.POSITIVE_INFINITY).write(document);
  return { json, duplicateKeys: reader.duplicateKeys };
}

function describeYamlError(cause: unknown): string {
  if (typeof cause !== 'object' || cause === null || !('reason' in cause)) return describeError(cause);
  const line = 'mark' in cause ? (cause.mark as { line?: number } | undefined)?.line : undefined;
  return `${line === undefined ? '' : `line ${line + 1}: `}${String(cause.reason)}`;
}

class Reader {
  aliased = false;
  private at = 0;
  private mergedPairs = 0;
  private readonly anchors = new Map<string, Node>();
  private readonly duplicates: { readonly at: number; readonly key: string }[] = [];

  constructor(
    private readonly source: string,
    private readonly events: readonly Event[],
  ) {}

  /** An inner mapping ends before the outer one does, so its keys are found first; upstream reports them by line. */
  get duplicateKeys(): readonly string[] {
    const lines = new LineCounter(this.source);
    const inOrder = this.duplicates.toSorted((a, b) => a.at - b.at).slice(0, maxFindings);
    return inOrder.map(({ at, key }) => duplicateKey(lines.lineOf(at), key));
  }

  read(): Node {
    if (this.events.length === 0) return 'null';
    // The event that opens the document, its value, the one that closes it.
    this.at = 1;
    const value = this.events[1]?.type === EVENT_ID.POP ? 'null' : this.node();
    if (this.at + 1 < this.events.length) throw new BadRequest('the body contains more than one YAML document');
    return value;
  }

  private node(): Node {
    const event = this.events[this.at++]!;
    switch (event.type) {
      case EVENT_ID.SCALAR:
        return this.keep(event, this.scalar(event));
      case EVENT_ID.ALIAS:
        return this.alias(this.source.slice(event.anchorStart, event.anchorEnd));
      case EVENT_ID.SEQUENCE: {
        this.checkTag(event, '!!seq');
        const items: Node[] = [];
        while (this.events[this.at]!.type !== EVENT_ID.POP) items.push(this.node());
        this.at++;
        return this.keep(event, items);
      }
      case EVENT_ID.MAPPING:
        this.checkTag(event, '!!map');
        return this.keep(event, this.mapping());
      default:
        throw new BadRequest('error converting YAML to JSON: unexpected end');
    }
  }

  private mapping(): Mapping {
    const pairs: [string, Node][] = [];
    const merged: Node[] = [];
    const known = new Set<string>();
    while (this.events[this.at]!.type !== EVENT_ID.POP) {
      const first = this.events[this.at]!;
      const isMerge = this.isMergeKey(first);
      const key = this.node();
      if (typeof key === 'string' && known.has(key)) this.addDuplicate(first, key);
      else if (typeof key === 'string' && !isMerge) known.add(key);
      const value = this.node();
      if (isMerge) merged.push(value);
      else if (typeof key === 'string') pairs.push([key.startsWith('"') ? key : JSON.stringify(key), value]);
      else throw new BadRequest('error converting YAML to JSON: a key must be a scalar');
    }
    this.at++;
    return new Mapping(merged.length === 0 ? pairs : [...this.inherited(merged, pairs), ...pairs]);
  }

  private addDuplicate(event: Event, key: string): void {
    const at = event.type === EVENT_ID.SCALAR ? event.valueStart : 0;
    this.duplicates.push({ at, key });
  }

  /** The pairs that `<<` adds: keys that the mapping itself does not have; the first merged mapping with a key wins. */
  private inherited(merged: readonly Node[], own: readonly (readonly [string, Node])[]): [string, Node][] {
    const known = new Set(own.map(([key]) => key));
    const found: [string, Node][] = [];
    for (const source of merged.flatMap((node) => (Array.isArray(node) ? node : [node]))) {
      if (!(source instanceof Mapping))
        throw new BadRequest('error converting YAML to JSON: map merge requires map or sequence of maps as the value');
      this.mergedPairs += source.pairs.length;
      if (this.mergedPairs > maxMergedPairs) throw excessiveAliasing();
      for (const [key, value] of source.pairs) {
        if (known.has(key)) continue;
        known.add(key);
        found.push([key, value]);
      }
    }
    return found;
  }

  private isMergeKey(event: Event): boolean {
    return (
      event.type === EVENT_ID.SCALAR &&
      event.style === SCALAR_STYLE.PLAIN &&
      getScalarValue(this.source, event) === '<<'
    );
  }

  private scalar(event: ScalarEvent): string {
    const text = getScalarValue(this.source, event);
    if (event.tagStart >= 0) return taggedToJson(this.source.slice(event.tagStart, event.tagEnd), text);
    return event.style === SCALAR_STYLE.PLAIN ? plainToJson(text) : JSON.stringify(text);
  }

  private checkTag({ tagStart, tagEnd }: { tagStart: number; tagEnd: number }, tag: string): void {
    const given = this.source.slice(tagStart, tagEnd);
    if (tagStart >= 0 && given !== tag && given !== '!') throw new BadRequest(`unknown tag ${JSON.stringify(given)}`);
  }

  private keep({ anchorStart, anchorEnd }: { anchorStart: number; anchorEnd: number }, node: Node): Node {
    // An anchor is stored only when its node is complete, so no node can contain itself.
    if (anchorStart >= 0) this.anchors.set(this.source.slice(anchorStart, anchorEnd), node);
    return node;
  }

  private alias(name: string): Node {
    this.aliased = true;
    const node = this.anchors.get(name);
    if (node === undefined)
      throw new BadRequest(`error converting YAML to JSON: yaml: unknown anchor '${name}' referenced`);
    return node;
  }
}

class Writer {
  private readonly parts: string[] = [];
  private length = 0;
  private values = 0;

  constructor(private readonly maxValues: number) {}

  write(node: Node): string {
    this.node(node, 0);
    return this.parts.join('');
  }

  private node(node: Node, depth: number): void {
    if (++this.values > this.maxValues) throw excessiveAliasing();
    if (typeof node === 'string') this.put(node);
    else if (depth === maxJsonDepth) throw tooDeep();
    else if (node instanceof Mapping) this.mapping(node, depth);
    else this.list(node, depth);
  }

  private mapping({ pairs }: Mapping, depth: number): void {
    this.put('{');
    pairs.forEach(([key, value], i) => {
      this.put(i === 0 ? `${key}:` : `,${key}:`);
      this.node(value, depth + 1);
    });
    this.put('}');
  }

  private list(items: readonly Node[], depth: number): void {
    this.put('[');
    items.forEach((item, i) => {
      if (i > 0) this.put(',');
      this.node(item, depth + 1);
    });
    this.put(']');
  }

  private put(text: string): void {
    this.length += text.length;
    if (this.length > maxJsonLength) throw excessiveAliasing();
    this.parts.push(text);
  }
}

const excessiveAliasing = () => new BadRequest('yaml: document contains excessive aliasing');
