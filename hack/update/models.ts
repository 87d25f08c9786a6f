// Reads one generated model of @kubernetes/client-node: names, types and formats from its .js, whether a field is
// required and its description from its .d.ts.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ModelField {
  /** The name on the wire. */
  readonly name: string;
  /** As the generator wrote it: string, number, Date, Array<V1Container>, { [key: string]: string; }, any. */
  readonly type: string;
  readonly format: string;
  readonly required: boolean;
  readonly description: string;
}
export interface Model {
  readonly description: string;
  readonly fields: readonly ModelField[];
}

interface Attribute {
  name: string;
  baseName: string;
  type: string;
  format: string;
}

/** @throws Error when the package has no such model or its files do not look as expected */
export function readModel(directory: string, model: string): Model {
  const declaration = readText(join(directory, `${model}.d.ts`));
  const attributes = parseAttributes(readText(join(directory, `${model}.js`)), model);
  const declared = parseDeclaration(declaration);
  const fields = attributes.map(({ name, baseName, type, format }) => {
    const found = declared.get(name);
    if (!found) throw new Error(`${model}.d.ts does not declare ${name}`);
    return { name: baseName.replace(/^x_kubernetes_/, 'x-kubernetes-'), type, format, ...found };
  });
  return { description: parseDescription(declaration), fields };
}

export const hasModel = (directory: string, model: string): boolean => existsSync(join(directory, `${model}.d.ts`));

const readText = (path: string): string => readFileSync(path, 'utf8');

function parseAttributes(text: string, model: string): Attribute[] {
  const match = /attributeTypeMap = (\[[\s\S]*?\n?\]);/.exec(text);
  if (!match) throw new Error(`${model}.js has no attributeTypeMap`);
  return JSON.parse(match[1]!) as Attribute[];
}

const comment = String.raw`(?:/\*\*\n((?:\s*\*(?!/).*\n)*)\s*\*/\s*)?`;
const field = new RegExp(String.raw`\n\s*${comment}'([^']+)'(\??): `, 'g');
const heading = new RegExp(`${comment}export declare class`);

function parseDeclaration(text: string): Map<string, { required: boolean; description: string }> {
  const fields = new Map<string, { required: boolean; description: string }>();
  for (const [, lines = '', name, optional] of text.matchAll(field)) {
    if (!fields.has(name!)) fields.set(name!, { required: optional === '', description: clean(lines) });
  }
  return fields;
}

const parseDescription = (text: string): string => clean(heading.exec(text)?.[1] ?? '');

function clean(lines: string): string {
  return lines
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim()
    .replaceAll(/\\(['"])/g, '$1');
}
