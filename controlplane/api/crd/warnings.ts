// Warnings about a valid CustomResourceDefinition.
import type { Definition } from '../schema/schema';
import { isKnownFormat } from './formats';
import type { CustomResourceDefinition } from './types';
import { schemasOf } from './validate-version';
import { childrenOf } from './walk';

/** Each format is named once; a definition with more has other faults. */
const maxFormats = 20;

export function definitionWarnings({ spec }: CustomResourceDefinition): string[] {
  const warnings: string[] = [];
  const formats = new Set<string>();
  for (const { value } of schemasOf(spec?.versions ?? [])) addUnknownFormats(value, formats);
  for (const format of [...formats].slice(0, maxFormats))
    warnings.push(`unrecognized format ${JSON.stringify(format)}`);
  return warnings;
}

function addUnknownFormats(schema: Definition, found: Set<string>): void {
  const { type, format } = schema;
  if (format && !isKnownFormat(type, format)) found.add(format);
  for (const child of childrenOf(schema)) addUnknownFormats(child.schema, found);
}
