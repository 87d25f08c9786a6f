// Chooses the form of an answer by the Accept header: the object, a Table as `kubectl get` prints it, or only the metadata; and
// the encoding. Pure.
import { notAcceptable } from '../status';

export type Encoding = 'json' | 'yaml';
export type Rendering =
  | { readonly as: 'object' }
  | { readonly as: 'table'; readonly version: 'v1' | 'v1beta1' }
  | { readonly as: 'partial'; readonly version: 'v1' | 'v1beta1' };
export interface Negotiated {
  readonly rendering: Rendering;
  readonly encoding: Encoding;
}

/** The forms of an endpoint: only stored objects have columns, and only JSON can be streamed. */
export type Offer = 'objects' | 'watch' | 'answers';

const plain: Negotiated = { rendering: { as: 'object' }, encoding: 'json' };
const seen = new Map<string, Negotiated>();
/** Clients send a handful of different Accept headers; a flood of odd ones must not grow the memory. */
const maxSeen = 256;

/** The first form in the Accept header that is offered. @throws StatusError 406 */
export function negotiate(accept: string, offer: Offer = 'objects'): Negotiated {
  if (accept === '' || accept === 'application/json' || accept === '*/*') return plain;
  const key = `${offer} ${accept}`;
  const known = seen.get(key);
  if (known) return known;
  const negotiated = choose(accept, offer);
  if (seen.size < maxSeen) seen.set(key, negotiated);
  return negotiated;
}

function choose(accept: string, offer: Offer): Negotiated {
  for (const { type, parameters } of rangesOf(accept)) {
    const encoding = encodings.get(type);
    if (!encoding || (encoding === 'yaml' && offer === 'watch')) continue;
    const rendering = renderingOf(parameters);
    if (rendering && !(rendering.as === 'table' && offer === 'answers')) return { rendering, encoding };
  }
  throw notAcceptable(offer === 'watch' ? ['application/json;stream=watch'] : ['application/json', 'application/yaml']);
}

const encodings: ReadonlyMap<string, Encoding> = new Map([
  ['application/json', 'json'],
  ['application/*', 'json'],
  ['*/*', 'json'],
  ['*', 'json'],
  ['application/yaml', 'yaml'],
]);

interface Range {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Sorts by the client's preference; ranges of the same weight keep their order. */
function rangesOf(accept: string): Range[] {
  const ranges = accept.split(',').map((range) => {
    const [type = '', ...parts] = range.split(';').map((part) => part.trim());
    const parameters = new Map(parts.map((part) => part.split('=', 2) as [string, string]));
    const weight = Number(parameters.get('q') ?? '1');
    return { type: type.toLowerCase(), parameters, weight: Number.isFinite(weight) ? weight : 1 };
  });
  return ranges.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight);
}

function renderingOf(parameters: ReadonlyMap<string, string>): Rendering | undefined {
  const as = parameters.get('as');
  if (as === undefined) return plain.rendering;
  const version = parameters.get('v') ?? 'v1';
  if (parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  if (as === 'Table') return { as: 'table', version };
  return as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList' ? { as: 'partial', version } : undefined;
}
