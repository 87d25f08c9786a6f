// The field manager of a write, and the update of metadata.managedFields after writes that are not an apply.
import type { Kind } from '../../api/kind';
import { storageKind, toStored } from '../../api/storage';
import type { KubeObject } from '../../api/types';
import { trackUpdate } from '../patch/apply';
import { header } from '../request';
import type { RestDeps, RestRequest } from './context';
import { isPrintable } from './options';
import { writeOptions } from './write-options';

const maxManagerLength = 128;

/** The fieldManager of the request, else the User-Agent up to its first slash. @throws Invalid */
function managerOf(rest: RestRequest): string {
  const asked = writeOptions(rest).fieldManager;
  if (asked !== '') return asked;
  const [product = ''] = header(rest.request.headers, 'user-agent').split('/', 1);
  return [...product].filter(isPrintable).join('').slice(0, maxManagerLength) || 'unknown';
}

/**
 * Updates managedFields of `object` in place. Objects that were never applied have none and cost two look-ups here: their
 * fields get an owner at the first apply (KEP-555).
 */
export function trackOwners(
  deps: RestDeps,
  rest: RestRequest,
  kind: Kind,
  object: KubeObject,
  old: KubeObject | undefined,
): void {
  if (!old?.metadata?.managedFields && !object.metadata?.managedFields) return;
  // Owners are kept in the terms of the stored form, so that writers of all versions see the same ones.
  const stored = storageKind(kind);
  const tracked = trackUpdate({
    before: old ? toStored(kind, old) : {},
    after: toStored(kind, object),
    kind: stored,
    schema: rest.schemas.of(stored),
    manager: managerOf(rest),
    subresource: rest.route.subresource,
    now: deps.clock.now(),
  });
  if (stored === kind) {
    if (tracked.metadata) object.metadata = tracked.metadata;
    return;
  }
  const { managedFields: _, ...metadata } = object.metadata ?? {};
  const managedFields = tracked.metadata?.managedFields;
  object.metadata = managedFields ? { ...metadata, managedFields } : metadata;
}
