// The layers of dataplane/, as the tables in dataplane/README.md draw them.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { isTest, readSources, readText, root } from './sources';

const readme = readText('dataplane/README.md');

/** The layers from the top: a folder may import from its own layer and from earlier ones. */
const layers = [...readme.matchAll(/^\| (?!layer )\w+ \| ((?:[\w-]+, )*[\w-]+) \| [^|]*\|$/gm)].map(([, folders]) =>
  folders!.split(', '),
);
const layerOf = (folder: string): number => layers.findIndex((folders) => folders.includes(folder));

const folders = readdirSync(join(root, 'dataplane'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

const folderOf = (path: string): string | undefined => /^dataplane\/([^/]+)\//.exec(`${path}/`)?.[1];

/** Folder to the folders that it imports. */
const arrows = new Map(folders.map((folder) => [folder, new Set<string>()]));
for (const { path, imports } of readSources()) {
  const from = folderOf(path);
  if (from === undefined || isTest(path)) continue;
  for (const { target } of imports) {
    const to = target === undefined ? undefined : folderOf(target);
    if (to !== undefined && to !== from) arrows.get(from)!.add(to);
  }
}

t.test('every folder is in the index and in one layer', async (t) => {
  const indexed = [...readme.matchAll(/^\| \[([\w-]+)\]\(\1\/README\.md\) \|/gm)].map(([, name]) => name!);
  t.strictSame(indexed, folders);
  t.strictSame(layers.flat().sort(), folders);
});

t.test('no folder imports a layer below its own', async (t) => {
  const wrong = [...arrows].flatMap(([from, targets]) =>
    [...targets].filter((to) => layerOf(to) > layerOf(from)).map((to) => `${from} imports ${to}`),
  );
  t.strictSame(wrong, []);
  t.ok(arrows.get('service')!.has('netfilter'), 'imports were found');
});

t.test('no folders import each other in a circle', async (t) => {
  const done = new Set<string>();
  const visit = (folder: string, way: readonly string[]): void => {
    if (way.includes(folder)) t.fail([...way.slice(way.indexOf(folder)), folder].join(' -> '));
    if (done.has(folder) || way.includes(folder)) return;
    for (const next of arrows.get(folder)!) visit(next, [...way, folder]);
    done.add(folder);
  };
  for (const folder of folders) visit(folder, []);
  t.equal(done.size, folders.length);
});
