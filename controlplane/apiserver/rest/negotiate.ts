// What form of answer a client asks for: the object, a Table as `kubectl get` prints it, or its metadata alone. Pure.
import { notAcceptable } from '../status';

export type Rendering =
  | { readonly as: 'object' }
  | { readonly as: 'table'; readonly version: 'v1' | 'v1beta1' }
  | { readonly as: 'partial'; readonly version: 'v1' | 'v1beta1' };

const whole: Rendering = { as: 'object' };
const seen = new Map<string, Rendering>();
/** Clients send a handful of different Accept headers; a flood of odd ones must not grow the memory. */
const maxSeen = 256;

/** The first form in the Accept header that is served. @throws StatusError 406 */
export function negotiate(accept: string): Rendering {
  if (accept === '' || accept === 'application/json' || accept === '*/*') return whole;
  const known = seen.get(accept);
  if (known) return known;
  const rendering = choose(accept);
  if (seen.size < maxSeen) seen.set(accept, rendering);
  return rendering;
}

function choose(accept: string): Rendering {
  for (const range of accept.split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    if (!['application/json', 'application/*', '*/*', '*'].includes(type.toLowerCase())) continue;
    const values = new Map(parameters.map((parameter) => parameter.split('=') as [string, string]));
    const as = values.get('as');
    if (as === undefined) return whole;
    const version = values.get('v') ?? 'v1';
    if (values.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) continue;
    if (as === 'Table') return { as: 'table', version };
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return { as: 'partial', version };
  }
  throw notAcceptable(['application/json']);
}
