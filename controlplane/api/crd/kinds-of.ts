// The kinds that a CustomResourceDefinition defines: one per served version. All versions share their objects. With one version its kind
// stores them; with several ones a further kind, which is not served, has each object in the version in which it was stored.
import { defineKind, type Kind, type KindOptions, type WriteContext } from '../kind';
import { type ScalePaths, scaleSubresource } from '../scale';
import type { Definition } from '../schema/schema';
import type { Versions } from '../storage';
import type { KubeObject } from '../types';
import { compareVersions } from '../version-order';
import { columnsOf } from './columns';
import { ConversionFailed } from './conversion-failed';
import { applyDefaults } from './default-values';
import { parseJsonPath, readJsonPath } from './json-path';
import { fitted, upgraded } from './stored-object';
import type { CrdNames, CrdScale, CrdVersion, CustomResourceDefinition } from './types';
import { validateObject } from './validate-object';
import { validateReplicas } from './validate-replicas';

/** Converts objects of a version to the version of `to`: see `Versions`. */
export type ConvertObjects = Versions['convert'];

/** Makes the conversion of a definition. `schemaOf` has the schema of each version. */
export type OpenConversion = (definition: CustomResourceDefinition) => ConvertObjects;

/** The kinds of the served versions under these names; none without a storage version. */
export function kindsOf(
  definition: CustomResourceDefinition,
  names: CrdNames,
  conversion: OpenConversion = keepsFields,
): Kind[] {
  const { versions } = definition.spec;
  const stored = storedKindOf(definition, names);
  if (!stored) return [];
  if (versions.length === 1) return versions[0]!.served ? [stored] : [];
  const convert = conversion(definition);
  const kinds = new Map<string, Kind>();
  const all: Versions = {
    byApiVersion: (apiVersion) => kinds.get(apiVersion),
    convert: (objects, to) => {
      const result = convert(checked(objects, kinds), to);
      return result instanceof Promise ? result.then((left) => fitAll(left, to)) : fitAll(result, to);
    },
  };
  for (const version of versions) {
    const kind = kindOf(definition, names, version, { storage: { kind: stored, versions: all } });
    kinds.set(kind.apiVersion, kind);
  }
  return versions.filter(({ served }) => served).map(({ name }) => kinds.get(`${definition.spec.group}/${name}`)!);
}

/** Strategy None: only the apiVersion differs. */
export const keepsFields: OpenConversion = () => (objects, to) =>
  objects.map((object) => ({ ...object, apiVersion: to.apiVersion }));

/** @throws AppError for objects of a version that the definition does not have any more */
function checked(objects: readonly KubeObject[], kinds: ReadonlyMap<string, Kind>): readonly KubeObject[] {
  const wrong = objects.find(({ apiVersion = '' }) => !kinds.has(apiVersion))?.apiVersion;
  if (wrong !== undefined) throw new ConversionFailed(`request to convert CR from an invalid group/version: ${wrong}`);
  return objects;
}

const fitAll = (objects: readonly KubeObject[], to: Kind): readonly KubeObject[] =>
  objects.map((object) => fitted(object, definitionOf(to)));

const definitionOf = ({ options: { schema } }: Kind): Definition => ('definition' in schema ? schema.definition : {});

/** The kind of the stored objects; its version is the storage version, served or not. */
export function storedKindOf(
  definition: CustomResourceDefinition,
  names: CrdNames = definition.spec.names,
): Kind | undefined {
  const { group, versions } = definition.spec;
  const storage = versions.find((version) => version.storage);
  if (!storage || versions.length === 1) return storage && kindOf(definition, names, storage);
  const schemas = new Map(versions.map(({ name, schema }) => [`${group}/${name}`, schema?.openAPIV3Schema ?? {}]));
  return kindOf(definition, names, storage, {
    mixedVersions: true,
    upgrade: (object) => {
      const schema = schemas.get(object.apiVersion ?? '');
      return schema ? upgraded(object, schema) : object;
    },
  });
}

function kindOf(
  { spec: { group, scope, versions } }: CustomResourceDefinition,
  names: CrdNames,
  version: CrdVersion,
  further: Pick<KindOptions<KubeObject>, 'storage' | 'mixedVersions' | 'upgrade'> = {},
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
    ...(deprecated ? { deprecation: deprecationWarning ?? deprecationOf(group, kind, name, versions) } : {}),
    ...(fields ? { fields } : {}),
    columns: columnsOf(version),
    ...further,
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
