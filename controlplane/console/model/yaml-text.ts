// Works on the YAML text that the API server writes: two spaces for each level, one key in a line. The page has no parser of YAML; the
// server reads and writes it. Pure.

const managedFields = '  managedFields:';

/** Without metadata.managedFields, which are long and which no person edits. A PUT without them keeps those of the server. */
export function withoutManagedFields(yaml: string): string {
  const lines = yaml.split('\n');
  const metadata = lines.indexOf('metadata:');
  const start = metadata < 0 ? -1 : lines.indexOf(managedFields, metadata);
  // A key of the first level in between: the line belongs to another field.
  if (start < 0 || lines.slice(metadata + 1, start).some((line) => /^[^ ]/.test(line))) return yaml;
  // Items of the list may stand at the depth of their key.
  const isInside = (line: string) => line.startsWith('   ') || line.startsWith('  - ') || line === '';
  let end = start + 1;
  while (end < lines.length - 1 && isInside(lines[end]!)) end++;
  return [...lines.slice(0, start), ...lines.slice(end)].join('\n');
}

/** A part of a line, for its colour. */
export interface YamlPart {
  readonly kind: 'space' | 'key' | 'value' | 'text' | 'comment';
  readonly text: string;
}

/** Keys and values of a line; a line of a longer text counts as a value. */
export function partsOfLine(line: string): readonly YamlPart[] {
  const indent = line.length - line.trimStart().length;
  let start = indent;
  while (line.startsWith('- ', start)) start += 2;
  const space: YamlPart = { kind: 'space', text: line.slice(0, start) };
  const rest = line.slice(start);
  if (rest.startsWith('#')) return [space, { kind: 'comment', text: rest }];
  const colon = rest.endsWith(':') && !rest.includes(': ') ? rest.length - 1 : rest.indexOf(': ');
  if (colon < 1 || /^["'{[|>]/.test(rest)) return [space, valuePart(rest)];
  const key: YamlPart = { kind: 'key', text: rest.slice(0, colon + 1) };
  return colon + 1 === rest.length ? [space, key] : [space, key, valuePart(rest.slice(colon + 1))];
}

const valuePart = (text: string): YamlPart => ({ kind: /^ ?["']/.test(text) ? 'text' : 'value', text });
