// Chooses the form of an answer by the Accept header: the object, a Table as `kubectl get` prints it, or only the metadata; and
// the encoding. Pure.
import { isCustom, isReadable, writesStatus } from '../../api/kind';
import type { AppError } from '../../base/errors';
import { protobufType } from '../protobuf/envelope';
import { header } from '../request';
import type { ResourceRoute } from '../route';
import { noRepresentation, notAcceptable } from '../status';
import type { RestRequest } from './context';

export type Encoding = 'json' | 'yaml' | 'protobuf';
export type Rendering =
  | { readonly as: 'object' }
  | { readonly as: 'table'; readonly version: 'v1' | 'v1beta1' }
  | { readonly as: 'partial'; readonly version: 'v1' | 'v1beta1' };
export interface Negotiated {
  readonly rendering: Rendering;
  readonly encoding: Encoding;
}

/**
 * The forms of an endpoint: only stored objects and their scales have columns, YAML cannot be streamed, and custom objects have no protobuf form,
 * except that of their metadata.
 */
export type Offer = 'objects' | 'list' | 'custom objects' | 'watch' | 'custom watch' | 'answers';

/** Streams of the kubelet: the client cannot choose their form. */
const streams: ReadonlySet<string> = new Set(['attach', 'exec', 'log', 'portforward', 'proxy']);

/** Undefined when the answer has only one form. */
function offerOf({ kind, verb, subresource }: ResourceRoute): Offer | undefined {
  if (streams.has(subresource)) return undefined;
  if (subresource === 'scale') return 'objects';
  const custom = isCustom(kind);
  if (verb === 'watch') return custom ? 'custom watch' : 'watch';
  const object = isReadable(kind) && (subresource === '' || subresource === 'finalize');
  if (!object && !writesStatus(kind, subresource)) return 'answers';
  if (custom) return 'custom objects';
  return verb === 'list' ? 'list' : 'objects';
}

const plain: Negotiated = { rendering: { as: 'object' }, encoding: 'json' };
const isPlain = (accept: string): boolean => accept === '' || accept === 'application/json' || accept === '*/*';
const seen = new Map<string, Negotiated>();
/** Clients send a handful of different Accept headers; a flood of odd ones must not grow the memory. */
const maxSeen = 256;

/** The first form in the Accept header that is offered. @throws StatusError 406 */
export function negotiate(accept: string, offer: Offer = 'objects'): Negotiated {
  if (isPlain(accept)) return plain;
  const key = `${offer} ${accept}`;
  const known = seen.get(key);
  if (known) return known;
  const negotiated = choose(accept, offer);
  if (seen.size < maxSeen) seen.set(key, negotiated);
  return negotiated;
}

/** The form that a request for a resource asks for. @throws StatusError 406 */
export function negotiateFor({ request, route }: RestRequest): Negotiated {
  const accept = header(request.headers, 'accept');
  if (isPlain(accept)) return plain;
  const offer = offerOf(route);
  return offer ? negotiate(accept, offer) : plain;
}

function choose(accept: string, offer: Offer): Negotiated {
  for (const { type, parameters } of rangesOf(accept)) {
    const encoding = encodings.get(type);
    const rendering = encoding && renderingOf(parameters);
    if (rendering && isOffered(encoding, rendering, offer)) return { rendering, encoding };
  }
  throw refusal(accept, offer);
}

/** Upstream's router refuses media types that no form of a built-in resource has; forms are chosen later. */
function refusal(accept: string, offer: Offer): AppError {
  const watched = offer === 'watch' || offer === 'custom watch';
  const isKnown = rangesOf(accept).some(({ type }) => encodings.has(type));
  if (isKnown || offer.startsWith('custom')) return notAcceptable(watched ? streamTypes : objectTypes);
  return noRepresentation(watched || offer === 'list' ? [...objectTypes, ...streamTypes] : objectTypes);
}

const objectTypes = ['application/json', 'application/yaml', protobufType];
const streamTypes = ['application/json;stream=watch', `${protobufType};stream=watch`];

function isOffered(encoding: Encoding, { as }: Rendering, offer: Offer): boolean {
  if (encoding === 'yaml' && (offer === 'watch' || offer === 'custom watch')) return false;
  if (as === 'table') return offer !== 'answers' && encoding !== 'protobuf';
  const custom = offer === 'custom objects' || offer === 'custom watch';
  return !(custom && encoding === 'protobuf' && as === 'object');
}

const encodings: ReadonlyMap<string, Encoding> = new Map([
  ['application/json', 'json'],
  ['application/*', 'json'],
  ['*/*', 'json'],
  ['*', 'json'],
  ['application/yaml', 'yaml'],
  [protobufType, 'protobuf'],
]);

interface Range {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Sorts by the client's preference: by weight, then types before ranges of types; all else keeps its order. */
function rangesOf(accept: string): Range[] {
  const ranges = accept.split(',').map((range) => {
    const [type = '', ...parts] = range.split(';').map((part) => part.trim());
    const parameters = new Map(parts.map((part) => part.split('=', 2) as [string, string]));
    const weight = Number(parameters.get('q') ?? '1');
    return { type: type.toLowerCase(), parameters, weight: Number.isFinite(weight) ? weight : 1 };
  });
  return ranges.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight || stars(a.type) - stars(b.type));
}

/** How many parts of a media range are open. */
const stars = (type: string): number => (type === '*' ? 2 : type.split('*').length - 1);

function renderingOf(parameters: ReadonlyMap<string, string>): Rendering | undefined {
  const as = parameters.get('as');
  if (as === undefined) return plain.rendering;
  const version = parameters.get('v') ?? 'v1';
  if (parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  if (as === 'Table') return { as: 'table', version };
  return as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList' ? { as: 'partial', version } : undefined;
}
