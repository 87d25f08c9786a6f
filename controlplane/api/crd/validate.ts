// The rules of a CustomResourceDefinition beyond its structure: names, versions, and what may not change. Rules of the
// schemas are in validate-schema.ts, those of columns and subresources in validate-version.ts, those of conversion in validate-conversion.ts.
import type { FieldCause } from '../../base/errors';
import { isConditionTrue } from '../conditions';
import type { WriteContext } from '../kind';
import { immutable, invalid, notSupported, required, tooMany } from '../validation/causes';
import { dns1035Label, dns1123Subdomain } from '../validation/names';
import type { CrdNames, CrdSpec, CrdVersion, CustomResourceDefinition } from './types';
import { validateConversion } from './validate-conversion';
import { labelCauses, schemaCauses, validateEachVersion, validateShared } from './validate-version';

export function validateDefinition(
  definition: CustomResourceDefinition,
  { old, subresource }: WriteContext<CustomResourceDefinition>,
): FieldCause[] {
  const { status, metadata } = definition;
  const names = validateNames(status?.acceptedNames ?? { plural: '', kind: '' }, 'status.acceptedNames');
  if (subresource !== '') return names;
  // A CustomResourceDefinition without a spec is one with an empty spec.
  const spec = (definition.spec ?? {}) as CrdSpec;
  return [
    // Updates cannot change the parts of the name.
    ...(old ? [] : validateName(metadata?.name ?? '', spec)),
    ...validateSpec(spec, old),
    ...(old ? validateUpdate(spec, old) : []),
    ...names,
    ...validateStoredVersions(spec, status?.storedVersions ?? []),
    ...validateApproval(definition, spec.group ?? ''),
    ...validatePreserved(spec),
  ];
}

function validateName(name: string, { names, group }: CrdSpec): FieldCause[] {
  if (name === `${names?.plural ?? ''}.${group ?? ''}`) return [];
  return [invalid('metadata.name', name, 'must be spec.names.plural+"."+spec.group')];
}

const approval = 'api-approved.kubernetes.io';
const approvalHelp = 'see https://github.com/kubernetes/enhancements/pull/1111';

/** Groups of the Kubernetes community need the address of their review. */
export const isProtectedGroup = (group: string): boolean => /(^|\.)(k8s|kubernetes)\.io$/.test(group);

function validateApproval({ metadata }: CustomResourceDefinition, group: string): FieldCause[] {
  if (!isProtectedGroup(group)) return [];
  const field = `metadata.annotations[${approval}]`;
  const value = metadata?.annotations?.[approval] ?? '';
  if (value === '')
    return [required(field, `protected groups must have approval annotation "${approval}", ${approvalHelp}`)];
  if (value.startsWith('unapproved') || /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+/i.test(value)) return [];
  const detail = `protected groups must have approval annotation "${approval}" with either a URL or a reason starting with "unapproved", ${approvalHelp}`;
  return [invalid(field, value, detail)];
}

/** Beyond upstream: each version is a kind with paths, schemas and documents of its own. No published definition has ten. */
const maxVersions = 100;

function validateSpec(spec: CrdSpec, old: CustomResourceDefinition | undefined): FieldCause[] {
  const { names = { plural: '', kind: '' }, versions = [] } = spec;
  if (versions.length > maxVersions) return [tooMany('spec.versions', versions.length, maxVersions)];
  return [
    ...validateGroup(spec.group ?? ''),
    ...validateScope(spec.scope ?? ''),
    ...schemaCauses(versions),
    ...validateEachVersion(versions),
    ...validateVersionNames(versions),
    ...(['plural', 'singular', 'kind', 'listKind'] as const)
      .filter((field) => !names[field])
      .map((field) => required(`spec.names.${field}`)),
    ...validateNames(names, 'spec.names'),
    ...validateShared(versions),
    ...(spec.preserveUnknownFields && spec.conversion && spec.conversion.strategy !== 'None'
      ? [
          invalid(
            'spec.conversion.strategy',
            spec.conversion.strategy ?? '',
            'must be None if spec.preserveUnknownFields is true',
          ),
        ]
      : []),
    ...validateConversion(spec.conversion, {
      old: old?.spec?.conversion,
      isEstablished: old !== undefined && isConditionTrue(old, 'Established'),
    }),
  ];
}

function validateGroup(group: string): FieldCause[] {
  if (group === '') return [required('spec.group')];
  const errors = dns1123Subdomain(group);
  if (errors.length > 0) return [invalid('spec.group', group, errors.join(','))];
  return group.includes('.') ? [] : [invalid('spec.group', group, 'should be a domain with at least one dot')];
}

function validateScope(scope: string): FieldCause[] {
  if (scope === '') return [required('spec.scope')];
  const known = ['Cluster', 'Namespaced'];
  return known.includes(scope) ? [] : [notSupported('spec.scope', scope, known)];
}

const validatePreserved = ({ preserveUnknownFields }: CrdSpec): FieldCause[] =>
  preserveUnknownFields
    ? [
        invalid(
          'spec.preserveUnknownFields',
          true,
          'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
        ),
      ]
    : [];

function validateVersionNames(versions: readonly CrdVersion[]): FieldCause[] {
  const names = versions.map(({ name }) => name);
  const shown = names.length === 0 ? null : names;
  const causes: FieldCause[] = [];
  if (new Set(names).size < names.length) {
    causes.push(invalid('spec.versions', shown, 'must contain unique version names'));
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    causes.push(invalid('spec.versions', shown, 'must have exactly one version marked as storage version'));
  }
  // spec.version is a field of older forms: upstream keeps the first name there, too.
  const [first = ''] = names;
  return first === '' ? causes : [...causes, ...labelCauses('spec.version', first)];
}

function validateNames(names: CrdNames, field: string): FieldCause[] {
  const { plural, singular, kind, listKind, shortNames = [], categories = [] } = names;
  const label = (name: string, value: string | undefined) => (value ? labelCauses(`${field}.${name}`, value) : []);
  const mixed = (name: string, value: string | undefined) => {
    const errors = value ? dns1035Label(value.toLowerCase()) : [];
    if (errors.length === 0) return [];
    return [invalid(`${field}.${name}`, value, `may have mixed case, but should otherwise match: ${errors.join(',')}`)];
  };
  return [
    ...label('plural', plural),
    ...label('singular', singular),
    ...mixed('kind', kind),
    ...mixed('listKind', listKind),
    ...shortNames.flatMap((value, i) => labelCauses(`${field}.shortNames[${i}]`, value)),
    ...(kind && kind === listKind
      ? [invalid(`${field}.listKind`, listKind, 'kind and listKind may not be the same')]
      : []),
    ...categories.flatMap((value, i) => labelCauses(`${field}.categories[${i}]`, value)),
  ];
}

function validateUpdate(spec: CrdSpec, old: CustomResourceDefinition): FieldCause[] {
  const before: Partial<CrdSpec> = old.spec ?? {};
  const fixed: [string, unknown, unknown][] = [
    ['spec.group', spec.group, before.group],
    ['spec.names.plural', spec.names?.plural, before.names?.plural],
  ];
  if (isConditionTrue(old, 'Established')) {
    fixed.unshift(['spec.scope', spec.scope, before.scope], ['spec.names.kind', spec.names?.kind, before.names?.kind]);
  }
  return fixed.flatMap(([field, now, then]) => (now === then ? [] : [invalid(field, now, immutable)]));
}

function validateStoredVersions({ versions = [] }: CrdSpec, stored: readonly string[]): FieldCause[] {
  const field = 'status.storedVersions';
  if (stored.length === 0) return [invalid(field, null, 'must have at least one stored version')];
  // A second version of the same name finds none that is left.
  const left = new Map(stored.map((version, i) => [version, i]));
  const causes = versions.flatMap(({ storage, name }) =>
    !left.delete(name) && storage ? [invalid(field, stored, `must have the storage version ${name}`)] : [],
  );
  return [...causes, ...[...left].map(([version, i]) => lostVersion(`${field}[${i}]`, version))];
}

const lostVersion = (field: string, version: string): FieldCause =>
  invalid(
    field,
    version,
    `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`,
  );
