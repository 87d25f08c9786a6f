import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import t from 'tap';
import { readManifestFiles } from './manifest-files';

t.test('files, directories and standard input', async (t) => {
  const dir = t.testdir({ one: { 'b.yaml': 'b', 'a.json': 'a', 'note.txt': 'no' }, 'c.yaml': 'c', none: {} });
  mkdirSync(join(dir, 'one/below.yaml'));
  writeFileSync(join(dir, 'one/below.yaml/d.yaml'), 'd');
  const read = (...names: string[]) => readManifestFiles(names, Readable.from(['in']));

  t.same(await read(join(dir, 'c.yaml'), join(dir, 'one'), '-'), ['c', 'a', 'b', 'in']);
  await t.rejects(read(join(dir, 'none')), {
    code: 'BadRequest',
    message: /has no manifest \(\.json, \.yaml, \.yml\)$/,
  });
  await t.rejects(read(join(dir, 'gone')), { code: 'BadRequest', message: /gone cannot be read: / });
});
