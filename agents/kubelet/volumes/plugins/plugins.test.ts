import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Pod } from '../../../../controlplane/api';
import { pod } from '../../spec/pod.fixture';
import { type PayloadSources, type ProjectedSource, projectedPayload, tokensOf, type Volume } from '../payload';
import { contentOf } from './list';
import { volumeDeps } from './volume-deps.fixture';

const configMap: PayloadSources['configMap'] = (name) =>
  name === 'cfg'
    ? { data: { a: 'one', b: 'two' }, binaryData: { c: Buffer.from([0, 255]).toString('base64') } }
    : undefined;
const secret: PayloadSources['secret'] = (name) =>
  name === 'sec' ? { data: { pw: Buffer.from('geheim').toString('base64') } } : undefined;
const facts = { nodeIps: ['192.0.2.1'], podIps: ['10.244.0.5'], allocatable: {} };
const sources: PayloadSources = { configMap, secret, token: () => 'token-text', facts };

/** Sets the volume up in a folder of its own; `files` shows content and mode by path. */
async function setUp(t: Test, source: Omit<Volume, 'name'>, of: Pod = pod()) {
  const path = join(await mkdtemp(join(tmpdir(), 'k8ts-plugin-')), 'v');
  t.teardown(() => rm(join(path, '..'), { recursive: true }));
  const { deps, mounts } = volumeDeps({
    configMap: (_, name) => configMap(name),
    secret: (_, name) => secret(name),
  });
  const { signal } = new AbortController();
  const refresh = await contentOf({ name: 'v', ...source })!.setUp({ pod: of, path, facts, deps, signal });
  const files: Record<string, string> = {};
  const folder = join(path, '..data');
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const mode = ((await stat(file)).mode & 0o777).toString(8);
    files[file.slice(folder.length + 1)] = `${await readFile(file, 'latin1')} ${mode}`;
  }
  return { path, tmpfs: mounts.tmpfs, mounts, refresh, files };
}

const tokenSource = { serviceAccountToken: { path: 'token', expirationSeconds: 3607 } };
const projected: ProjectedSource = {
  sources: [
    tokenSource,
    { configMap: { name: 'cfg', items: [{ key: 'b', path: 'ca' }] } },
    { secret: { name: 'none', optional: true } },
  ],
};

t.test('the files of each volume source', async (t) => {
  const items = [{ key: 'a', path: 'dir/x', mode: 0o400 }];
  t.same((await setUp(t, { configMap: { name: 'cfg', items } })).files, { 'dir/x': 'one 400' });
  t.same((await setUp(t, { configMap: { name: 'cfg' } })).files, { a: 'one 644', b: 'two 644', c: '\x00\xff 644' });
  t.same((await setUp(t, { secret: { secretName: 'sec', defaultMode: 0o440 } })).files, { pw: 'geheim 440' });
  const labelled = pod({}, { metadata: { name: 'web', namespace: 'shop', labels: { b: '2', a: '1' } } });
  const downwardAPI = { items: [{ path: 'l', fieldRef: { fieldPath: 'metadata.labels' } }] };
  t.same((await setUp(t, { downwardAPI }, labelled)).files, { l: 'a="1"\nb="2" 644' });
  const both = await setUp(t, { projected });
  t.same(both.files, { token: 'token-text 644', ca: 'two 644' });
  t.equal(both.refresh, 3_607_000, 'a token says when the volume is refreshed');
  t.same(tokensOf(projected), [{ expirationSeconds: 3607 }]);
  const ofUser = pod({ securityContext: { runAsUser: 7 } });
  t.match(projectedPayload(ofUser, projected, sources).get('token'), { uid: 7, mode: 0o600 });
  const ofBoth = pod({ securityContext: { runAsUser: 7, fsGroup: 8 } });
  t.match(projectedPayload(ofBoth, projected, sources).get('token'), { uid: 7, mode: 0o640 });
  const ofGroup = projectedPayload(pod({ securityContext: { fsGroup: 8 } }), projected, sources).get('token');
  t.match(ofGroup, { mode: 0o640, uid: undefined });
});

t.test('a missing object has upstream’s message', async (t) => {
  await t.rejects(setUp(t, { configMap: { name: 'none' } }), { message: 'configmap "none" not found' });
  await t.rejects(setUp(t, { secret: { secretName: 'none' } }), { message: 'secret "none" not found' });
  const wrongKey = { configMap: { name: 'cfg', items: [{ key: 'z', path: 'z' }] } };
  await t.rejects(setUp(t, wrongKey), { message: 'configmap references non-existent config key: z' });
  t.same((await setUp(t, { configMap: { name: 'none', optional: true } })).files, {});
});

t.test('the path of a volume, and whether containers may write', async (t) => {
  const shown = (source: Omit<Volume, 'name'>) => {
    const { dir, readOnly, path } = contentOf({ name: 'v', ...source })!;
    return [dir, readOnly, path];
  };
  t.same(shown({ emptyDir: {} }), ['empty-dir', false, undefined]);
  t.same(shown({ configMap: { name: 'c' } }), ['configmap', true, undefined]);
  t.same(shown({ secret: { secretName: 's' } }), ['secret', true, undefined]);
  t.same(shown({ downwardAPI: {} }), ['downward-api', true, undefined]);
  t.same(shown({ projected: {} }), ['projected', true, undefined]);
  t.same(shown({ hostPath: { path: '/srv' } }), ['host-path', false, '/srv']);
  t.same(shown({ nfs: { server: 'a', path: '/' } }), ['nfs', false, undefined]);
  t.same(shown({ nfs: { server: 'a', path: '/', readOnly: true } }), ['nfs', true, undefined]);
  t.equal(contentOf({ name: 'v', azureDisk: { diskName: 'a', diskURI: 'b' } }), undefined, 'no plug-in knows it');
});

t.test('which volumes have their files in memory', async (t) => {
  t.same((await setUp(t, { configMap: { name: 'cfg' } })).tmpfs, []);
  const inMemory = { secret: { secretName: 'sec' }, projected, downwardAPI: {} };
  for (const [field, source] of Object.entries(inMemory)) {
    t.same((await setUp(t, { [field]: source })).tmpfs, [{ mode: 0o755 }], field);
  }
});

t.test('emptyDir', async (t) => {
  const mode = async (path: string) => ((await stat(path)).mode & 0o7777).toString(8);
  const onDisk = await setUp(t, { emptyDir: {} });
  t.same(onDisk.tmpfs, []);
  t.equal(await mode(onDisk.path), '777');
  const ofGroup = pod({ securityContext: { fsGroup: process.getgid!() } });
  if (process.getuid!() === 0) {
    t.equal(await mode((await setUp(t, { emptyDir: {} }, ofGroup)).path), '2777', 'files get the group of the folder');
  }
  const inMemory = async (sizeLimit?: string) => (await setUp(t, { emptyDir: { medium: 'Memory', sizeLimit } })).tmpfs;
  t.same(await inMemory(), [{ mode: 0o777 }]);
  t.same(await inMemory('1Mi'), [{ mode: 0o777, sizeBytes: 2 ** 20 }]);
  t.same(await inMemory('0'), [{ mode: 0o777 }], 'zero means no limit');
  const requests = { 'hugepages-2Mi': '4Mi' };
  const ofPages = pod({ containers: [{ name: 'c', resources: { requests } }] });
  const { mounts, path } = await setUp(t, { emptyDir: { medium: 'HugePages-2Mi' } }, ofPages);
  t.match(await mounts.at(path), { type: 'hugetlbfs', source: '2097152' });
});
