// Finds the generated schemas: beside the bundle in an installed k8ts, under dist/ in a checkout. A checkout whose
// schemas are missing or older than what they are made from writes them first.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { AppError } from '../../base/errors';
import type { ObjectSchema, SchemaDocs, Schemas } from './schema';

export const schemasFile = 'schemas.json';
export const schemaDocsFile = 'schema-docs.json';

const generateCommand = 'node -r ts-node/register hack/update/schemas.ts';
/** A change of any of these makes new schemas necessary. */
const sources = [
  'controlplane/api/registry.ts',
  'controlplane/api/virtual.ts',
  'hack/update/list-types.ts',
  'hack/update/models.ts',
  'hack/update/packages.ts',
  'hack/update/schemas.ts',
];

let schemas: Schemas | undefined;

/** The schemas of every served kind, read once. @throws AppError when they are not there and cannot be made */
export function loadSchemas(): Schemas {
  schemas ??= readGenerated<Schemas>(schemasFile);
  return schemas;
}

/** Descriptions of every field; read anew each time, so that nobody holds them longer than needed. */
export function loadSchemaDocs(): SchemaDocs {
  return readGenerated<SchemaDocs>(schemaDocsFile);
}

/** @throws AppError for a model the generator did not reach */
export function schemaOfModel(model: string): { readonly name: string; readonly schema: ObjectSchema } {
  const { models, definitions } = loadSchemas();
  const name = models[model];
  const schema = name === undefined ? undefined : definitions[name];
  if (name === undefined || !schema) {
    throw new AppError('Internal', `no schema for model ${model}: run ${generateCommand}`);
  }
  return { name, schema };
}

function readGenerated<T>(file: string): T {
  const beside = join(__dirname, file);
  if (existsSync(beside)) return JSON.parse(readFileSync(beside, 'utf8')) as T;
  const checkout = join(__dirname, '..', '..', '..');
  const built = join(checkout, 'dist', file);
  if (isStale(checkout, built)) generate(checkout, built);
  return JSON.parse(readFileSync(built, 'utf8')) as T;
}

function isStale(checkout: string, built: string): boolean {
  if (!existsSync(built)) return true;
  const made = statSync(built).mtimeMs;
  return sources.some(
    (source) => existsSync(join(checkout, source)) && statSync(join(checkout, source)).mtimeMs > made,
  );
}

function generate(checkout: string, wanted: string): void {
  const generator = join(checkout, 'hack', 'update', 'schemas.ts');
  if (!existsSync(generator)) throw new AppError('Internal', `${wanted} is missing: this installation is not complete`);
  try {
    const { writeSchemas } = createRequire(generator)(generator) as { writeSchemas: (directory: string) => void };
    writeSchemas(join(checkout, 'dist'));
  } catch (cause) {
    throw new AppError('Internal', `${wanted} cannot be made: run ${generateCommand}`, { cause });
  }
}
