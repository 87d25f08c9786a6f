// Reads the generated schemas: next to the bundle in an installed k8ts, from dist/ in a checkout. The build writes them; in a
// checkout that was never built the test runner does.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../base/errors';
import type { SchemaDocs, SchemaFile } from './schema';
import { SchemaSet } from './schema-set';

export const schemasFile = 'schemas.json';
export const schemaDocsFile = 'schema-docs.json';

/** The schemas of every built-in kind. @throws AppError when the files are missing */
export function loadSchemas(): SchemaSet {
  return new SchemaSet(readGenerated<SchemaFile>(schemasFile), () => readGenerated<SchemaDocs>(schemaDocsFile));
}

function readGenerated<T>(file: string): T {
  const places = [join(__dirname, file), join(__dirname, '..', '..', '..', 'dist', file)];
  const found = places.find((path) => existsSync(path));
  if (found === undefined) {
    throw new AppError('Internal', `${file} is missing: this installation is not complete, or npm run build never ran`);
  }
  return JSON.parse(readFileSync(found, 'utf8')) as T;
}
