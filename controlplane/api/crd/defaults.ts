// The defaults of a CustomResourceDefinition and what its writer may not set: the status, and the versions in which objects have
// been stored.
import type { WriteContext } from '../kind';
import type { CustomResourceDefinition } from './types';

/** Idempotent; tolerates missing fields, which validation reports. */
export function defaultDefinition({ spec }: CustomResourceDefinition): void {
  const names = spec?.names;
  if (!names) return;
  if (!names.singular && names.kind) names.singular = names.kind.toLowerCase();
  if (!names.listKind && names.kind) names.listKind = `${names.kind}List`;
  spec.conversion ??= { strategy: 'None' };
  const service = spec.conversion.webhook?.clientConfig?.service;
  if (service) service.port ??= 443;
}

export function prepareDefinition(
  definition: CustomResourceDefinition,
  { old, subresource }: WriteContext<CustomResourceDefinition>,
): void {
  const storage = definition.spec?.versions?.find((version) => version.storage);
  if (subresource !== '') {
    const { status } = definition;
    const stored = status?.storedVersions ?? [];
    // As upstream's default: without any the storage version has been stored.
    definition.status = {
      ...status,
      acceptedNames: status?.acceptedNames ?? { kind: '', plural: '' },
      storedVersions: stored.length === 0 && storage ? [storage.name] : stored,
    };
    return;
  }
  const status = old?.status;
  const stored = status?.storedVersions ?? [];
  definition.status = {
    acceptedNames: status?.acceptedNames ?? { kind: '', plural: '' },
    conditions: status?.conditions ?? [],
    storedVersions: !storage || stored.includes(storage.name) ? stored : [...stored, storage.name],
  };
}
