// The files of --filename, as kubectl takes them: a file, a directory, or - for standard input.
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { BadRequest, describeError } from '../../controlplane/base/errors';

const extensions = ['.json', '.yaml', '.yml'];

/** The text of each file; of a directory those of its manifests, in the order of their names. @throws BadRequest */
export async function readManifestFiles(
  names: readonly string[],
  stdin: NodeJS.ReadableStream,
): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const name of names) {
    try {
      if (name === '-') texts.push(await readText(stdin));
      else for (const file of await filesOf(name)) texts.push(await readFile(file, 'utf8'));
    } catch (cause) {
      if (cause instanceof BadRequest) throw cause;
      throw new BadRequest(`${name} cannot be read: ${describeError(cause)}`, { cause });
    }
  }
  return texts;
}

async function filesOf(name: string): Promise<readonly string[]> {
  if (!(await stat(name)).isDirectory()) return [name];
  const all = await readdir(name, { withFileTypes: true });
  const files = all.filter((entry) => !entry.isDirectory() && extensions.includes(extname(entry.name)));
  if (files.length === 0) throw new BadRequest(`directory ${name} has no manifest (${extensions.join(', ')})`);
  return files.map((entry) => join(name, entry.name)).toSorted();
}
