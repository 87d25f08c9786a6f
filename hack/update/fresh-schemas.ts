// Writes dist/schemas.json again when it is missing or older than its inputs: tests also run in a checkout that was never
// built.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');
const directory = join(root, 'dist');
/** A change of any of these requires new schemas. */
const sources = [
  'controlplane/api/registry.ts',
  'controlplane/api/virtual.ts',
  'controlplane/api/schema/schema.ts',
  'controlplane/apiserver/protobuf/core-field-numbers.ts',
  'controlplane/apiserver/protobuf/field-numbers.ts',
  'controlplane/apiserver/protobuf/messages.ts',
  'hack/update/go-names.ts',
  'hack/update/list-types.ts',
  'hack/update/models.ts',
  'hack/update/packages.ts',
  'hack/update/schemas.ts',
  'hack/update/zeros.ts',
];

/** The generator is loaded only when there is work for it. */
export async function refreshSchemas(): Promise<void> {
  if (!isStale()) return;
  const { writeSchemas } = await import('./schemas');
  writeSchemas(directory);
}

function isStale(): boolean {
  const written = join(directory, 'schema-docs.json');
  if (!existsSync(written)) return true;
  const { mtimeMs } = statSync(written);
  return sources.some((source) => statSync(join(root, source)).mtimeMs > mtimeMs);
}
