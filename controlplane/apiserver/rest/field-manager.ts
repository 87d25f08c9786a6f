// The field manager of a write, and the update of metadata.managedFields after writes that are not an apply.
import type { Kind } from '../../api/kind';
import type { SchemaSet } from '../../api/schema/schema-set';
import { converted, storageKind, toStored, versionsOf } from '../../api/storage';
import type { KubeObject } from '../../api/types';
import type { ManagedFieldsEntry } from '../patch/managed-fields';
import { type OwnerVersions, trackUpdateAcross } from '../patch/owner-versions';
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

/** What the update of managedFields uses of the server. */
export type OwnerDeps = Pick<RestDeps, 'schemas' | 'clock' | 'ownersFromCreate'>;

/**
 * Updates managedFields of `object` in place. `old` is absent when the write creates the object. A promise only when an owner has another
 * version of a custom kind. @throws ConversionFailed
 */
export function trackOwners(
  deps: OwnerDeps,
  rest: RestRequest,
  kind: Kind,
  object: KubeObject,
  old: KubeObject | undefined,
): void | Promise<void> {
  if (!deps.ownersFromCreate && !old?.metadata?.managedFields && !object.metadata?.managedFields) return;
  const versions = ownerVersions(deps.schemas, kind);
  // Owners of other kinds are kept in the terms of the stored form, so that writers of all versions see the same ones.
  const form = versions ? kind : storageKind(kind);
  const inForm = (one: KubeObject) => (versions ? one : toStored(kind, one));
  const update = {
    before: old && inForm(old),
    after: inForm(object),
    kind: form,
    schema: deps.schemas.of(form),
    manager: managerOf(rest),
    subresource: rest.route.subresource,
    now: deps.clock.now(),
    onCreate: deps.ownersFromCreate,
  };
  const managedFields = versions ? trackUpdateAcross(update, versions) : trackUpdate(update);
  if (!(managedFields instanceof Promise)) setOwners(object, managedFields);
  else return managedFields.then((entries) => setOwners(object, entries));
}

function setOwners(object: KubeObject, managedFields: ManagedFieldsEntry[] | undefined): void {
  if (managedFields === object.metadata?.managedFields) return;
  const { managedFields: _, ...metadata } = object.metadata ?? {};
  object.metadata = managedFields ? { ...metadata, managedFields } : metadata;
}

/** Undefined for a kind whose owners all have the stored version. */
export function ownerVersions(schemas: SchemaSet, kind: Kind): OwnerVersions | undefined {
  const versions = versionsOf(kind);
  if (!versions) return undefined;
  const of = (apiVersion: string) => versions.byApiVersion(apiVersion);
  return {
    of: (apiVersion) => {
      const found = of(apiVersion);
      return found && { kind: found, schema: schemas.of(found) };
    },
    convert: (object, apiVersion) => converted(of(object.apiVersion ?? '') ?? kind, of(apiVersion) ?? kind, object),
  };
}
