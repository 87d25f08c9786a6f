// GET of one object and LIST of many, in the requested form. Bytes come from the cache and are joined, never rebuilt.
import { isCustom, type Kind } from '../../api/kind';
import type { ListMeta } from '../../api/types';
import { BadRequest, Expired, hasCode, isExpired } from '../../base/errors';
import type { CachedObject, ListResult } from '../cache/cache';
import { type FullReply, jsonReply, type Reply } from '../request';
import { notFound, StatusError } from '../status';
import { objectReply, protobufReply, type RestDeps, type RestRequest } from './context';
import { decodeContinue, encodeContinue, encodeInconsistentContinue } from './continue-token';
import { type ListOptions, listOptions } from './list-options';
import { keyOf } from './metadata';
import { negotiateFor, type Rendering, requireShape } from './negotiate';
import { parseSelection, type Selection } from './selection';
import { parseIncludeObject, partial, partialList, renderTable } from './table';

/** How long a LIST waits until the cache has the requested resourceVersion. */
const catchUpMs = 3_000;

/** Waits only for an object that a webhook must convert. */
export function getObject(deps: RestDeps, rest: RestRequest): Reply | Promise<Reply> {
  const { kind, namespace, name } = rest.route;
  const found = deps.cache.kind(kind).read(keyOf(kind, namespace, name));
  if (!found) throw notFound(kind, name);
  if (found instanceof Promise) return found.then((one) => renderObject(deps, rest, one!, 200));
  return renderObject(deps, rest, found, 200);
}

/** One object in the form that the client requests. */
export function renderObject(deps: RestDeps, rest: RestRequest, found: CachedObject, status: number): FullReply {
  const form = negotiateFor(rest);
  const { rendering, encoding } = form;
  const { kind } = rest.route;
  requireShape(kind, form, 'object');
  if (encoding === 'protobuf') {
    const { protobuf } = deps;
    if (rendering.as === 'partial') return protobufReply(protobuf.partial(found.object, rendering.version), status);
    return protobufReply(protobuf.object(kind, found), status);
  }
  if (rendering.as === 'object') return objectReply(found.json, status);
  const metadata = { resourceVersion: found.object.metadata?.resourceVersion };
  const value =
    rendering.as === 'partial'
      ? partial(found.object, rendering.version)
      : renderTable(kind, [found.object], metadata, {
          version: rendering.version,
          include: parseIncludeObject(rest.query),
          now: deps.clock.now(),
        });
  return jsonReply(value, status);
}

export async function listObjects(deps: RestDeps, rest: RestRequest): Promise<Reply> {
  const { route, query, request } = rest;
  const { kind } = route;
  const form = negotiateFor(rest);
  const { rendering } = form;
  // YAML is converted from the JSON answer.
  const encoding = form.encoding === 'protobuf' ? 'protobuf' : 'json';
  const plain = rendering.as === 'object' && request.search === '' && !request.decoded;
  const options = listOptions(query);
  const shared = plain ? deps.lists.get(kind, route.namespace, deps.cache.revision(), encoding) : undefined;
  if (shared) return encoding === 'json' ? objectReply(shared, 200) : protobufReply(shared, 200);
  const selection = parseSelection(kind, route.namespace, route.name, query);
  const result = await readList(deps, kind, selection, options);
  const metadata: ListMeta = {
    // As upstream: lists of custom objects always have it.
    ...(isCustom(kind) && rendering.as === 'object' ? { continue: '' } : {}),
    resourceVersion: String(result.revision),
    ...(result.next === undefined ? {} : { continue: encodeContinue(result.next, result.revision) }),
    ...(result.next !== undefined && result.remaining !== undefined && !selection.matches
      ? { remainingItemCount: result.remaining }
      : {}),
  };
  const reply = await renderList(deps, rest, result.items, metadata);
  if (plain) deps.lists.set(kind, route.namespace, result.revision, encoding, reply.body);
  return reply;
}

/** The objects of a list or of the deletion of a collection. @throws BadRequest, Expired, StatusError */
export async function readList(
  deps: RestDeps,
  kind: Kind,
  selection: Selection,
  options: ListOptions,
): Promise<ListResult> {
  const cache = deps.cache.kind(kind);
  const { limit = 0, continue: token = '', resourceVersion: version = '', resourceVersionMatch: match = '' } = options;
  if (token !== '' && version !== '' && version !== '0') {
    throw new BadRequest('specifying resource version is not allowed when using continue');
  }
  if (selection.name !== undefined && token === '' && (version === '' || version === '0')) {
    return oneByName(deps, kind, selection);
  }
  const base = { ...selection, ...(limit > 0 ? { limit } : {}) };
  try {
    if (token !== '') {
      const { key, revision = deps.cache.revision() } = decodeContinue(token);
      return await cache.list({ ...base, after: { key, revision } });
    }
    // As upstream: the newest objects come from the cache, which has no pages.
    if (version === '0') return await cache.list(selection);
    const revision = version === '' ? 0 : readRevision(version);
    // Also `00`.
    if (revision === 0) return await cache.list(base);
    // All pages have the same revision: without resourceVersionMatch it is the requested one.
    if (match === 'Exact' || (match === '' && limit > 0 && revision <= deps.cache.revision()))
      return await cache.list({ ...base, exactRevision: revision });
    if (revision <= deps.cache.revision()) return await cache.list(base);
    return await Promise.race([cache.list({ ...base, minRevision: revision }), tooLargeRevision(deps, revision)]);
  } catch (err) {
    if (hasCode(err, 'Timeout')) throw tooLarge(readRevision(version), deps.cache.revision());
    if (isExpired(err)) throw token === '' ? listExpired(err) : continueExpired(decodeContinue(token).key);
    throw err;
  }
}

/** A list of one name is a look-up, as `kubectl get NAME -w` and single-object informers send it. */
function oneByName(deps: RestDeps, kind: Kind, selection: Selection): ListResult | Promise<ListResult> {
  const cache = deps.cache.kind(kind);
  if (kind.namespaced && selection.namespace === undefined) return cache.list(selection);
  const revision = deps.cache.revision();
  const result = (found: CachedObject | undefined): ListResult => {
    const matches = found && (selection.matches?.(found.object) ?? true);
    return { items: matches ? [found] : [], revision };
  };
  const found = cache.read(keyOf(kind, selection.namespace ?? '', selection.name!));
  return found instanceof Promise ? found.then(result) : result(found);
}

/** Many objects in the form that the client requests. */
export function renderList(
  deps: RestDeps,
  rest: RestRequest,
  items: readonly CachedObject[],
  metadata: ListMeta,
): FullReply | Promise<FullReply> {
  const { kind } = rest.route;
  const form = negotiateFor(rest);
  const { rendering, encoding } = form;
  requireShape(kind, form, 'list');
  if (encoding === 'protobuf') return protobufList(deps, kind, items, metadata, rendering);
  if (rendering.as === 'object' && !rest.request.decoded) {
    return { status: 200, type: 'application/json', body: joinList(kind, items, metadata) };
  }
  const objects = items.map(({ object }) => object);
  if (rendering.as === 'object') {
    return {
      status: 200,
      type: 'application/json',
      list: { apiVersion: kind.apiVersion, kind: `${kind.kind}List`, metadata, items: objects },
      get body() {
        return joinList(kind, items, metadata);
      },
    };
  }
  if (rendering.as === 'partial') return jsonReply(partialList(objects, metadata, rendering.version));
  const include = parseIncludeObject(rest.query);
  return jsonReply(
    renderTable(kind, objects, metadata, { version: rendering.version, include, now: deps.clock.now() }),
  );
}

async function protobufList(
  { protobuf }: RestDeps,
  kind: Kind,
  items: readonly CachedObject[],
  metadata: ListMeta,
  rendering: Rendering,
): Promise<FullReply> {
  if (rendering.as === 'partial') {
    const objects = items.map(({ object }) => object);
    return protobufReply(protobuf.partialList(objects, metadata, rendering.version), 200);
  }
  await protobuf.prepare(kind, items);
  return protobufReply(protobuf.list(kind, items, metadata), 200);
}

const comma = Buffer.from(',');
const listEnd = Buffer.from(']}\n');

const open = 0x7b;

/**
 * Items of built-in kinds have no kind and no apiVersion, as upstream: Go's typed lists do not set them. Custom objects, which have no
 * Go type, keep them. Cached bytes begin with both (cache/encode.ts).
 */
function joinList(kind: Kind, items: readonly CachedObject[], metadata: ListMeta): Buffer {
  const head = Buffer.from(
    `{"kind":"${kind.kind}List","apiVersion":"${kind.apiVersion}","metadata":${JSON.stringify(metadata)},"items":[`,
  );
  const typed = Buffer.from(`{"kind":"${kind.kind}","apiVersion":"${kind.apiVersion}",`);
  const skipped = isCustom(kind) ? 0 : typed.length;
  let size = head.length + listEnd.length + Math.max(0, items.length - 1);
  for (const { json } of items) size += json.length - Math.max(0, skipped - 1);
  const bytes = Buffer.allocUnsafe(size);
  let at = head.copy(bytes);
  for (let i = 0; i < items.length; i++) {
    if (i > 0) at += comma.copy(bytes, at);
    if (skipped > 0) bytes[at++] = open;
    at += items[i]!.json.copy(bytes, at, skipped);
  }
  listEnd.copy(bytes, at);
  return bytes;
}

function readRevision(text: string): number {
  try {
    return parseRevision(text);
  } catch (err) {
    throw err instanceof StatusError ? new BadRequest(`invalid resource version: ${err.message}`) : err;
  }
}

/** @throws StatusError 500 without a reason, as a watch is answered upstream */
export function parseRevision(text: string): number {
  const revision = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(revision)) {
    const why = /^\d+$/.test(text) ? 'value out of range' : 'invalid syntax';
    const message = `resourceVersion: Invalid value: "${text}": strconv.ParseUint: parsing "${text}": ${why}`;
    throw new StatusError(500, '', message, {}, { verbatim: true });
  }
  return revision;
}

async function tooLargeRevision(deps: RestDeps, revision: number): Promise<never> {
  await deps.clock.sleep(catchUpMs);
  throw tooLarge(revision, deps.cache.revision());
}

const tooLarge = (revision: number, current: number) =>
  new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${revision}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });

const listExpired = (cause: unknown) => new Expired('The resourceVersion for the provided list is too old.', { cause });

/** Clients may go on with the token of this answer. */
const continueExpired = (key: string) =>
  new StatusError(
    410,
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the ' +
      'continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing ' +
      'with the provided token results in an inconsistent list - objects that were created, modified, or deleted between ' +
      'the time the first chunk was returned and now may show up in the list.',
    {},
    { metadata: { continue: encodeInconsistentContinue(key) } },
  );
