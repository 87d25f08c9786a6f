// The query of a LIST or WATCH as a cache filter: label selector, field selector, namespace.
import { type FieldTerm, parseFieldSelector } from '../../api/field-selector';
import { isCustom, type Kind } from '../../api/kind';
import { matchesSelector, parseSelector } from '../../api/selector';
import type { KubeObject } from '../../api/types';
import { BadRequest } from '../../base/errors';
import type { Filter } from '../cache/cache';

export interface Selection extends Filter {
  /** Set when the selection is one object by name. */
  readonly name?: string;
}

type FieldOf = (object: KubeObject) => string;

/** @throws BadRequest for a selector that cannot be parsed, or for a field that selectors cannot use */
export function parseSelection(kind: Kind, namespace: string, name: string, query: URLSearchParams): Selection {
  const labels = parseSelector(query.get('labelSelector') ?? '');
  const terms = parseFieldSelector(query.get('fieldSelector') ?? '');
  if (name !== '') {
    checkName(terms, name);
    terms.push({ path: 'metadata.name', equal: true, value: name });
  }
  const fields = fieldTests(kind, terms);
  const exactName = terms.find((term) => term.path === 'metadata.name' && term.equal)?.value;
  const indexed = terms.find((term) => term.equal && isIndexed(kind, term.path));
  const matches =
    labels.length === 0 && fields.length === 0
      ? undefined
      : (object: KubeObject) =>
          fields.every((test) => test(object)) &&
          (labels.length === 0 || matchesSelector(labels, object.metadata?.labels));
  return {
    ...(kind.namespaced && namespace !== '' ? { namespace } : {}),
    ...(matches ? { matches } : {}),
    ...(exactName === undefined ? {} : { name: exactName }),
    ...(indexed ? { indexed: { index: indexed.path, value: indexed.value } } : {}),
  };
}

/** A path with a name is the older form of a field selector: a selector of its own must name the same object. @throws BadRequest */
function checkName(terms: readonly FieldTerm[], name: string): void {
  if (terms.length === 0 || terms.some((term) => term.path === 'metadata.name' && term.equal && term.value === name))
    return;
  throw new BadRequest("fieldSelector metadata.name doesn't match requested name");
}

/** Indexes the cache keeps; see Filter.indexed. */
const isIndexed = ({ options }: Kind, path: string): boolean => options.indexedFields?.includes(path) ?? false;

/** One test per field, also for many terms on it: a list tests thousands of objects. */
function fieldTests(kind: Kind, terms: readonly FieldTerm[]): ((object: KubeObject) => boolean)[] {
  return [...Map.groupBy(terms, ({ path }) => path)].map(([path, group]) => {
    const fieldOf = fieldReader(kind, path);
    const wanted = new Set(group.filter(({ equal }) => equal).map(({ value }) => value));
    const unwanted = new Set(group.filter(({ equal }) => !equal).map(({ value }) => value));
    const [only] = wanted;
    return (object) => {
      const value = fieldOf(object);
      return (wanted.size === 0 || (wanted.size === 1 && value === only)) && !unwanted.has(value);
    };
  });
}

function fieldReader(kind: Kind, path: string): FieldOf {
  if (path === 'metadata.name') return (object) => object.metadata?.name ?? '';
  const fields = kind.options.fields ?? {};
  if (path === 'metadata.namespace' && hasNamespaceField(kind)) return (object) => object.metadata?.namespace ?? '';
  if (!Object.hasOwn(fields, path)) throw unknownField(kind, path);
  return fields[path]!;
}

/** Upstream's cluster-scoped kinds with fields of their own lack it, and so do custom ones; all others have it. */
const hasNamespaceField = (kind: Kind): boolean => kind.namespaced || !(kind.options.fields || isCustom(kind));

/** Upstream's message differs for built-in kinds without selectable fields of their own. */
function unknownField(kind: Kind, path: string): BadRequest {
  const { options } = kind;
  const name = JSON.stringify(path);
  if (!options.fields && !isCustom(kind)) {
    return new BadRequest(`${name} is not a known field selector: only "metadata.name", "metadata.namespace"`);
  }
  return new BadRequest(options.unknownField?.(name) ?? `field label not supported: ${path}`);
}
