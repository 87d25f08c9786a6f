// The query of a LIST or WATCH as a cache filter: label selector, field selector, namespace.
import type { Kind } from '../../api/kind';
import { type FieldTerm, matchesSelector, parseFieldSelector, parseSelector } from '../../api/selector';
import type { KubeObject } from '../../api/types';
import { BadRequest } from '../../base/errors';
import type { Filter } from '../cache/cache';

export interface Selection extends Filter {
  /** Set when the selection is one object by name. */
  readonly name?: string;
}

type FieldOf = (object: KubeObject) => string;

/** @throws BadRequest for a selector that cannot be read or a field that cannot be selected by */
export function parseSelection(kind: Kind, namespace: string, name: string, query: URLSearchParams): Selection {
  const labels = parseSelector(query.get('labelSelector') ?? '');
  const terms = parseFieldSelector(query.get('fieldSelector') ?? '');
  if (name !== '') terms.push({ path: 'metadata.name', equal: true, value: name });
  const fields = terms.map((term) => ({ term, fieldOf: fieldReader(kind, term) }));
  const exactName = terms.find((term) => term.path === 'metadata.name' && term.equal)?.value;
  const indexed = terms.find((term) => term.equal && isIndexed(kind, term.path));
  const matches =
    labels.length === 0 && fields.length === 0
      ? undefined
      : (object: KubeObject) =>
          fields.every(({ term, fieldOf }) => (fieldOf(object) === term.value) === term.equal) &&
          (labels.length === 0 || matchesSelector(labels, object.metadata?.labels));
  return {
    ...(kind.namespaced && namespace !== '' ? { namespace } : {}),
    ...(matches ? { matches } : {}),
    ...(exactName === undefined ? {} : { name: exactName }),
    ...(indexed ? { indexed: { index: indexed.path, value: indexed.value } } : {}),
  };
}

/** Indexes the cache keeps; see Filter.indexed. */
const isIndexed = (kind: Kind, path: string): boolean => kind.plural === 'pods' && path === 'spec.nodeName';

function fieldReader(kind: Kind, term: FieldTerm): FieldOf {
  if (term.path === 'metadata.name') return (object) => object.metadata?.name ?? '';
  if (term.path === 'metadata.namespace') return (object) => object.metadata?.namespace ?? '';
  const reader = kind.options.fields?.[term.path];
  if (!reader) throw unknownField(kind, term.path);
  return reader;
}

/** Upstream words it in three ways: for kinds without fields of their own, for Jobs, and for the others. */
function unknownField({ kind, options }: Kind, path: string): BadRequest {
  const name = JSON.stringify(path);
  if (!options.fields) {
    return new BadRequest(`${name} is not a known field selector: only "metadata.name", "metadata.namespace"`);
  }
  return new BadRequest(
    kind === 'Job' ? `field label ${name} not supported for Job` : `field label not supported: ${path}`,
  );
}
