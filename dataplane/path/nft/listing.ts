// Parses `nft -n -s list ruleset` into tables: the rules in the kernel, of every owner. Pure.
import { Unsupported } from '../../../controlplane/base/errors';
import { emptyTable, type NftTable, readElements, timeoutOf } from './tables';

/** @throws Unsupported for a part of a table that is not a chain, a set or a map */
export function readListing(text: string): readonly NftTable[] {
  const tables: NftTable[] = [];
  for (const [, label, body] of text.matchAll(/^table (\w+ \S+) \{.*\n((?:\t.*\n|\n)*)\}$/gm)) {
    const table = emptyTable(label!);
    for (const part of body!.matchAll(/^\t(\w+) (\S+) \{\n((?:\t\t.*\n)*)\t\}$/gm)) readPart(table, part);
    tables.push(table);
  }
  return tables;
}

function readPart({ chains, sets }: NftTable, [, kind, name, body = '']: RegExpMatchArray): void {
  if (kind === 'chain') {
    const lines = body.split('\n').flatMap((line) => (line === '' ? [] : [line.trim()]));
    const hook = lines[0]?.startsWith('type ') ? lines.shift() : undefined;
    chains.set(name!, { ...(hook === undefined ? {} : { hook }), rules: lines });
    return;
  }
  if (kind !== 'set' && kind !== 'map') throw new Unsupported(`a table has a part that is not known: ${kind} ${name}`);
  const timeout = timeoutOf(body.replace(/elements = [\s\S]*/, ''));
  const elements = /elements = \{ ([\s\S]*?) \}\n$/.exec(body)?.[1] ?? '';
  // Sets with a time-out hold clients: the caller has these in Surroundings.recent.
  const read = timeout.timeoutSeconds === undefined ? readElements(elements.replace(/\n\s*/g, ' ')) : [];
  sets.set(name!, { ...timeout, elements: new Map(read) });
}
