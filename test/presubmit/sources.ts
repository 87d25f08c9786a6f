// The repository's TypeScript files and what each of them imports, for the rules in this folder.
import { readdirSync, readFileSync } from 'node:fs';
import { join, normalize, relative } from 'node:path';

export const root = join(__dirname, '..', '..');

export interface SourceFile {
  /** From the root of the checkout: controlplane/base/errors.ts */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}
export interface Import {
  /** The specifier as the source writes it. */
  readonly specifier: string;
  /** A path from the root without extension, for a relative import. */
  readonly target?: string;
  /** The outside package or built-in module: dockerode, @scope/name, node:fs. */
  readonly pkg?: string;
}

const topFolders = ['agents', 'controlplane', 'dataplane', 'hack', 'test'];

export function readSources(): readonly SourceFile[] {
  const paths = topFolders.flatMap((folder) => ['.ts', '.tsx'].flatMap((extension) => filesBelow(folder, extension)));
  return paths.map((path) => parseSource(path, readText(path)));
}

export const readText = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Paths from the root, sorted. */
export function filesBelow(folder: string, extension: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !path.includes('node_modules'))
    .sort();
}

const importPattern =
  /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\b(?:import|require)\(\s*['"]([^'"]+)['"]\s*\)/g;

export function parseSource(path: string, text: string): SourceFile {
  const imports = [...text.matchAll(importPattern)].map((match): Import => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? '';
    if (specifier.startsWith('.')) return { specifier, target: normalize(join(path, '..', specifier)) };
    const parts = specifier.split('/');
    return { specifier, pkg: specifier.startsWith('@') ? parts.slice(0, 2).join('/') : parts[0]! };
  });
  return { path, text, imports };
}

/** A fixture is next to the tests that share it. */
export const isTest = (path: string): boolean => /\.(test|fixture)\.ts$/.test(path) || path.startsWith('test/');
