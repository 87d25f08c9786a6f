// The documents of a YAML text, and where in the API each of them is created. The page has no parser of YAML: this reads the few lines that name an
// object, and the server checks the rest. Pure.
import type { Resource } from '../discovery';
import { collectionPath, type ResourceRef } from '../routes';

export interface YamlDocument {
  /** With as many empty lines before it as there are lines before it in the text: so the server's line numbers are those of the text. */
  readonly body: string;
  /** Its first line with content, from 1. */
  readonly line: number;
  readonly apiVersion: string;
  readonly kind: string;
  /** '' where it names none. */
  readonly namespace: string;
  readonly name: string;
}

/** `---` begins a document, `...` ends one; a line within a longer text is indented, so it is neither. */
const border = /^(?:---|\.\.\.)(?=\s|$)/;
const hasContent = (line: string): boolean => /^\s*[^\s#]/.test(line) && !line.startsWith('%');

/** Without documents that are empty, or comments alone. */
export function documentsOf(text: string): readonly YamlDocument[] {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  const starts = lines.flatMap((line, i) => (border.test(line) ? [i] : []));
  return [0, ...starts].flatMap((start, i, all) => {
    const own = lines.slice(start, all[i + 1] ?? lines.length);
    // What stands behind the dashes belongs to the document.
    if (border.test(own[0] ?? '')) own[0] = own[0]!.slice(3);
    const first = own.findIndex(hasContent);
    if (first < 0) return [];
    const body = '\n'.repeat(start) + own.join('\n');
    return [{ body, line: start + first + 1, ...namesIn(own) }];
  });
}

type Names = Pick<YamlDocument, 'apiVersion' | 'kind' | 'namespace' | 'name'>;

function namesIn(lines: readonly string[]): Names {
  const json = jsonOf(lines.join('\n'));
  if (json) return json;
  const top = (key: string) => wordOf(lines.find((line) => line.startsWith(`${key}:`)) ?? '', key);
  const metadata = metadataOf(lines);
  return { apiVersion: top('apiVersion'), kind: top('kind'), namespace: metadata('namespace'), name: metadata('name') };
}

function jsonOf(text: string): Names | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    const { apiVersion = '', kind = '', metadata = {} } = JSON.parse(text);
    const { namespace = '', name = '' } = metadata;
    return { apiVersion: String(apiVersion), kind: String(kind), namespace: String(namespace), name: String(name) };
  } catch {
    return undefined;
  }
}

function metadataOf(lines: readonly string[]): (key: string) => string {
  const start = lines.findIndex((line) => line.startsWith('metadata:'));
  const line = lines[start] ?? '';
  if (line.includes('{')) {
    const inline = line.slice(line.indexOf('{') + 1, line.includes('}') ? line.lastIndexOf('}') : line.length);
    const pairs = inline.split(',').map((pair) => pair.trim());
    return (key) => wordOf(pairs.find((pair) => pair.startsWith(`${key}:`)) ?? '', key);
  }
  const rest = start < 0 ? [] : lines.slice(start + 1);
  const end = rest.findIndex((line) => /^[^\s#]/.test(line));
  const inside = (end < 0 ? rest : rest.slice(0, end)).filter(hasContent);
  // Its own keys, not those of labels in it.
  const depth = indentOf(inside[0] ?? '');
  const own = inside.filter((line) => indentOf(line) === depth).map((line) => line.trim());
  return (key) => wordOf(own.find((line) => line.startsWith(`${key}:`)) ?? '', key);
}

const indentOf = (line: string): number => line.length - line.trimStart().length;

/** The value of `key: value`, without quotes and a comment behind it. */
function wordOf(line: string, key: string): string {
  const rest = line.slice(key.length + 1).trim();
  const [, quoted] = /^(?:"([^"]*)"|'([^']*)')/.exec(rest)?.filter((part) => part !== undefined) ?? [];
  return quoted ?? rest.replace(/(?:^|\s)#.*$/, '').trim();
}

export interface Target {
  readonly resource: Resource;
  readonly namespace: string;
  readonly path: string;
}

/** Where the API takes it; undefined for a kind that the server does not have. `namespace`: for documents that name none. */
export function targetOf(
  { apiVersion, kind, namespace: own }: Names,
  resources: readonly Resource[],
  namespace: string,
): Target | undefined {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/', 2) : ['', apiVersion];
  const resource = resources.find((one) => one.group === group && one.kind === kind && one.verbs.includes('create'));
  if (!resource || !version) return undefined;
  const within = resource.namespaced ? own || namespace || 'default' : '';
  // The version that the document is written in.
  const ref: ResourceRef = { ...resource, version };
  return { resource, namespace: within, path: collectionPath(ref, within) };
}
