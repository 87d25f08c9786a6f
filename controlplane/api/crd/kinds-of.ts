// The kinds that a CustomResourceDefinition defines: one per served version. All versions share their objects, which are stored in
// the form of the storage version. Conversion is None: only the apiVersion differs.
import { defineKind, type Kind, type WriteContext } from '../kind';
import { type ScalePaths, scaleSubresource } from '../scale';
import type { StoredAs } from '../storage';
import type { KubeObject } from '../types';
import { compareVersions } from '../version-order';
import { columnsOf } from './columns';
import { applyDefaults } from './default-values';
import { parseJsonPath, readJsonPath } from './json-path';
import { upgraded } from './stored-object';
import type { CrdNames, CrdScale, CrdVersion, CustomResourceDefinition } from './types';
import { validateObject } from './validate-object';
import { validateReplicas } from './validate-replicas';

/** The kinds of the served versions under these names; none without a storage version. */
export function kindsOf(definition: CustomResourceDefinition, names: CrdNames): Kind[] {
  const { versions } = definition.spec;
  const storage = versions.find((version) => version.storage);
  if (!storage) return [];
  const stored = kindOf(definition, names, storage);
  return versions
    .filter(({ served }) => served)
    .map((version) => (version === storage ? stored : kindOf(definition, names, version, stored)));
}

/** The kind of the storage version, served or not. */
export function storedKindOf(definition: CustomResourceDefinition): Kind | undefined {
  const storage = definition.spec.versions.find((version) => version.storage);
  return storage && kindOf(definition, definition.spec.names, storage);
}

function kindOf(
  { spec: { group, scope, versions } }: CustomResourceDefinition,
  names: CrdNames,
  version: CrdVersion,
  stored?: Kind,
): Kind {
  const { plural, singular, kind, shortNames, categories } = names;
  const { subresources, deprecated, deprecationWarning, name } = version;
  const fields = selectableFields(version);
  const definition = version.schema?.openAPIV3Schema ?? {};
  return defineKind<KubeObject>({
    group,
    version: name,
    kind,
    plural,
    ...(singular ? { singular } : {}),
    ...(shortNames ? { shortNames } : {}),
    ...(categories ? { categories } : {}),
    namespaced: scope === 'Namespaced',
    schema: { definition, lenient: true },
    defaults: (object) => applyDefaults(object, definition),
    upgrade: (object) => upgraded(object, definition),
    validate: (object, context) => [
      ...validateObject(object, definition, context),
      ...validateReplicas(object, subresources?.scale, context),
    ],
    hasStatus: subresources?.status !== undefined,
    // As upstream: a write of the status of a custom object changes no metadata.
    statusKeeps: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
    ...(subresources?.status ? { prepare: withoutNewStatus } : {}),
    // Upstream counts the generations of all custom objects, also of those without a status subresource.
    generation: 'spec',
    ...(subresources?.scale ? { subresources: [scaleSubresource], scalePaths: scalePathsOf(subresources.scale) } : {}),
    ...(stored ? { storage: asStored(stored) } : {}),
    ...(deprecated ? { deprecation: deprecationWarning ?? deprecationOf(group, kind, name, versions) } : {}),
    ...(fields ? { fields } : {}),
    columns: columnsOf(version),
  });
}

/** Names the highest version that is better: served, not deprecated, and of a higher rank. */
function deprecationOf(group: string, kind: string, name: string, versions: readonly CrdVersion[]): string {
  const better = versions
    .filter((one) => one.served && !one.deprecated && compareVersions(one.name, name) < 0)
    .map((one) => one.name)
    .sort(compareVersions)[0];
  const text = `${group}/${name} ${kind} is deprecated`;
  return better === undefined ? text : `${text}; use ${group}/${better} ${kind}`;
}

/** None of the functions changes its argument; the caller sets the apiVersion. */
const asStored = (kind: Kind): StoredAs => ({
  kind,
  toStored: (object) => ({ ...object }),
  fromStored: (object) => ({ ...object }),
});

/** A creation cannot set the status, where that is a subresource. */
function withoutNewStatus(object: KubeObject & { status?: unknown }, { old }: WriteContext<KubeObject>): void {
  if (!old) delete object.status;
}

const splitPath = (path: string): string[] => path.replace(/^\./, '').split('.');

const scalePathsOf = ({ specReplicasPath, statusReplicasPath, labelSelectorPath }: CrdScale): ScalePaths => ({
  specReplicas: splitPath(specReplicasPath),
  statusReplicas: splitPath(statusReplicasPath),
  ...(labelSelectorPath ? { selector: splitPath(labelSelectorPath) } : {}),
});

function selectableFields({ selectableFields: fields }: CrdVersion) {
  if (!fields || fields.length === 0) return undefined;
  const readers = fields.map(({ jsonPath }) => {
    const path = parseJsonPath(jsonPath) ?? [];
    const read = (object: KubeObject): string => {
      const value = readJsonPath(object, path)[0];
      return value === undefined || value === null ? '' : String(value);
    };
    return [jsonPath.slice(1), read] as const;
  });
  return Object.fromEntries(readers);
}
