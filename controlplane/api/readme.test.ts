// Compares the table "What is served" of the README with the kinds that the registry serves.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { subresourcesOf } from './kind';
import { registry } from './registry';
import { virtualResources } from './virtual';

/** `pods (exec, log)` by API version. */
function served(): ReadonlyMap<string, readonly string[]> {
  const resources = new Map<string, string[]>();
  for (const kind of [...registry, ...virtualResources]) {
    const names = subresourcesOf(kind).map(({ name }) => name);
    const text = names.length > 0 ? `${kind.plural} (${names.sort().join(', ')})` : kind.plural;
    resources.set(kind.apiVersion, [...(resources.get(kind.apiVersion) ?? []), text].sort());
  }
  return resources;
}

t.test('the README names each served resource and subresource, and nothing else', async (t) => {
  const [, text = ''] = readFileSync(join(__dirname, '../../README.md'), 'utf8').split('\n## What is served\n');
  const table = text.split('\n## ')[0]!;
  const rows = [...table.matchAll(/^\| `([^`]+)` \| (.+) \|$/gm)].map(([, version, list]) => [version, list]);
  const expected = [...served()].map(([version, list]) => [version, list.join(', ')]);
  t.same(rows.sort(), expected.sort(), 'one row for each API version, its resources in alphabetical order');
});
