// The field manager of a write, and the update of metadata.managedFields after writes that are not an apply.
import type { Kind } from '../../api/kind';
import { storageKind, toStored } from '../../api/storage';
import type { KubeObject } from '../../api/types';
import { trackUpdate } from '../patch/track-update';
import { header } from '../request';
import type { RestDeps, RestRequest } from './context';
import { isPrintable } from './options';
import { writeOptions } from './write-options';

const maxManagerLength = 128;

/** The fieldManager of the request, else the User-Agent up to its first slash. @throws Invalid */
function managerOf(rest: RestRequest): string {
  const asked = writeOptions(rest).fieldManager;
  if (asked !== '') return asked;
  const agent = header(rest.request.headers, 'user-agent');
  const slash = agent.indexOf('/');
  const product = slash < 0 ? agent : agent.slice(0, slash);
  return [...product].filter(isPrintable).join('').slice(0, maxManagerLength) || 'unknown';
}

/** Updates managedFields of `object` in place. `old` is absent when the write creates the object. */
export function trackOwners(
  deps: RestDeps,
  rest: RestRequest,
  kind: Kind,
  object: KubeObject,
  old: KubeObject | undefined,
): void {
  if (!deps.ownersFromCreate && !old?.metadata?.managedFields && !object.metadata?.managedFields) return;
  // Owners are kept in the terms of the stored form, so that writers of all versions see the same ones.
  const stored = storageKind(kind);
  const managedFields = trackUpdate({
    before: old && toStored(kind, old),
    after: toStored(kind, object),
    kind: stored,
    schema: deps.schemas.of(stored),
    manager: managerOf(rest),
    subresource: rest.route.subresource,
    now: deps.clock.now(),
    onCreate: deps.ownersFromCreate,
  });
  if (managedFields === object.metadata?.managedFields) return;
  const { managedFields: _, ...metadata } = object.metadata ?? {};
  object.metadata = managedFields ? { ...metadata, managedFields } : metadata;
}
