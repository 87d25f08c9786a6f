// Chooses the form of an answer by the Accept header: the object, a Table as `kubectl get` prints it, or only the metadata; and
// the encoding. Pure.
import { isCustom, isReadable, type Kind, writesStatus } from '../../api/kind';
import { scales } from '../../api/virtual';
import { protobufType } from '../protobuf/envelope';
import { header } from '../request';
import type { ResourceRoute } from '../route';
import { noRepresentation, notAcceptable, StatusError } from '../status';
import type { RestRequest } from './context';

export type Encoding = 'json' | 'yaml' | 'protobuf';
export type Rendering =
  | { readonly as: 'object' }
  | { readonly as: 'table'; readonly version: 'v1' | 'v1beta1' }
  /** `of`: whether the client wants the metadata of one object or of a list. */
  | { readonly as: 'partial'; readonly version: 'v1' | 'v1beta1'; readonly of: 'object' | 'list' };
export interface Negotiated {
  readonly rendering: Rendering;
  readonly encoding: Encoding;
}

/**
 * The forms of an endpoint: only stored objects and their scales have columns, YAML cannot be streamed, and custom objects have no
 * protobuf form, except that of their metadata. Documents and failures have no other form than their own.
 */
export type Offer =
  | 'objects'
  | 'list'
  | 'custom objects'
  | 'watch'
  | 'custom watch'
  | 'answers'
  | 'documents'
  | 'failures';

/** Upstream's router looks at the Accept header before these are served; it knows no ranges of types but all types. */
const routed: ReadonlySet<Offer> = new Set(['objects', 'list', 'watch', 'answers']);

/** Streams of the kubelet: the client cannot choose their form. */
const streams: ReadonlySet<string> = new Set(['attach', 'exec', 'log', 'portforward', 'proxy']);

/** Undefined when the answer has only one form. */
function offerOf({ kind, verb, subresource }: ResourceRoute): Offer | undefined {
  if (streams.has(subresource)) return undefined;
  if (subresource === scales.plural) return 'objects';
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
  const ranges = rangesOf(accept);
  if (routed.has(offer) && !ranges.some(({ type }) => type === '*/*' || objectTypes.includes(type))) {
    throw noRepresentation(offer === 'list' || offer === 'watch' ? [...objectTypes, ...streamTypes] : objectTypes);
  }
  for (const { type, parameters } of ranges) {
    const encoding = encodings.get(type);
    const rendering = encoding && renderingOf(parameters);
    if (!rendering || !allowsParameters(parameters, encoding, offer)) continue;
    if (isOffered(encoding, rendering, offer)) return { rendering, encoding };
  }
  throw notAcceptable(objectTypes);
}

/** A watch is a stream, which YAML cannot be. Upstream checks it after the options of the watch. @throws StatusError 406 */
export function requireStream({ encoding }: Negotiated): void {
  if (encoding === 'yaml') throw notAcceptable(streamTypes);
}

const objectTypes: readonly string[] = ['application/json', 'application/yaml', protobufType];
const streamTypes = ['application/json;stream=watch', `${protobufType};stream=watch`];

/** `stream` names the protocol of a watch, `sv` the version of the server's own objects. */
function allowsParameters(parameters: ReadonlyMap<string, string>, encoding: Encoding, offer: Offer): boolean {
  const stream = parameters.get('stream') ?? '';
  if (stream !== '' && (stream !== 'watch' || encoding === 'yaml')) return false;
  const version = parameters.get('sv') ?? '';
  return version === '' || (version === 'v1' && offer !== 'documents' && offer !== 'failures');
}

function isOffered(encoding: Encoding, { as }: Rendering, offer: Offer): boolean {
  if (offer === 'documents' || offer === 'failures') return as === 'object';
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

/**
 * Sorts by the client's preference: by weight, then types before ranges of types; all else keeps its order. As upstream, a weight of 0
 * excludes nothing, and the names of types are compared as they are written.
 */
function rangesOf(accept: string): Range[] {
  const ranges = accept.split(',').map((range) => {
    const [type = '', ...parts] = range.split(';').map((part) => part.trim());
    const parameters = new Map(parts.map((part) => part.split('=', 2) as [string, string]));
    const weight = Number(parameters.get('q') ?? '1');
    return { type, parameters, weight: Number.isFinite(weight) ? weight : 1 };
  });
  return ranges.sort((a, b) => b.weight - a.weight || stars(a.type) - stars(b.type));
}

/** How many parts of a media range are open. */
const stars = (type: string): number => (type === '*' ? 2 : type.split('*').length - 1);

/** Undefined for a form that does not exist; a group or a version without a kind names no form. */
function renderingOf(parameters: ReadonlyMap<string, string>): Rendering | undefined {
  const [as, group, version] = ['as', 'g', 'v'].map((name) => parameters.get(name));
  if (as === undefined && group === undefined && version === undefined) return plain.rendering;
  if (group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  if (as === 'Table') return { as: 'table', version };
  if (as === 'PartialObjectMetadata') return { as: 'partial', version, of: 'object' };
  return as === 'PartialObjectMetadataList' ? { as: 'partial', version, of: 'list' } : undefined;
}

/** Only a list has a list of metadata, and only one object has metadata of its own. @throws StatusError 406 */
export function requireShape(kind: Kind, { rendering }: Negotiated, found: 'object' | 'list'): void {
  if (rendering.as !== 'partial' || rendering.of === found) return;
  const [asked, is] =
    found === 'list' ? ['PartialObjectMetadata', 'a list'] : ['PartialObjectMetadataList', 'not a list'];
  throw new StatusError(
    406,
    'NotAcceptable',
    `you requested ${asked}, but the requested object is ${is} (*${goTypeOf(kind, found)})`,
  );
}

/** The Go type of kube-apiserver that clients see in this refusal: `core.SecretList`. */
function goTypeOf(kind: Kind, found: 'object' | 'list'): string {
  const suffix = found === 'list' ? 'List' : '';
  if (isCustom(kind)) return `unstructured.Unstructured${suffix}`;
  // Events of both groups are one type.
  const group = kind.group === 'events.k8s.io' ? '' : kind.group;
  return `${group === '' ? 'core' : group.split('.', 1)[0]}.${kind.kind}${suffix}`;
}
