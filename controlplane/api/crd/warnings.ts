// Warnings about a valid CustomResourceDefinition: the parts of it that this server stores and does not act on.
import type { Definition } from '../schema/schema';
import type { CustomResourceDefinition } from './types';
import { anySchema } from './walk';

export function definitionWarnings({ spec }: CustomResourceDefinition): string[] {
  const warnings: string[] = [];
  const rules = (spec?.versions ?? []).filter(
    ({ schema }) => schema?.openAPIV3Schema && anySchema(schema.openAPIV3Schema, hasRules),
  );
  for (const { name } of rules) {
    warnings.push(`version ${name}: x-kubernetes-validations are stored, but this server does not evaluate them yet`);
  }
  if (spec?.conversion?.strategy === 'Webhook') {
    warnings.push(
      'spec.conversion: this server does not call conversion webhooks yet; it changes only the apiVersion of objects',
    );
  }
  return warnings;
}

const hasRules = (schema: Definition): boolean => (schema['x-kubernetes-validations']?.length ?? 0) > 0;
