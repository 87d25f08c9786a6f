import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { dayMs } from './certificate';
import { createAuthority } from './issue';
import {
  currentContext,
  ensureKubeconfig,
  mergeKubeconfig,
  readEntry,
  removeFromKubeconfig,
  renderKubeconfig,
} from './kubeconfig';
import { identities } from './pki';

const entry = { name: 'k8ts', server: 'https://192.168.57.10:6443', ca: 'CA', client: { cert: 'CERT', key: 'KEY' } };
const mine = `# my clusters
apiVersion: v1
kind: Config
clusters:
  - name: work # the big one
    cluster: { server: https://work.example:6443 }
users:
  - name: me
    user: { token: abc }
contexts:
  - name: work
    context: { cluster: work, user: me, namespace: shop }
current-context: work
`;

t.test("merging keeps the user's entries and comments, and switches the context", async (t) => {
  const merged = mergeKubeconfig(mine, entry);
  t.match(merged, /# my clusters/);
  t.match(merged, /# the big one/);
  const file = parse(merged);
  t.equal(file['current-context'], 'k8ts');
  t.strictSame(file.contexts[0], parse(mine).contexts[0]);
  t.strictSame(file.contexts[1], { name: 'k8ts', context: { cluster: 'k8ts', user: 'k8ts' } });
  t.equal(mergeKubeconfig(merged, entry), merged, 'a second merge changes nothing');
  const moved = parse(mergeKubeconfig(merged, { ...entry, server: 'https://192.168.58.10:6443' }));
  t.equal(moved.clusters.length, 2);
  t.equal(moved.clusters[1].cluster.server, 'https://192.168.58.10:6443');
});

t.test('removing restores the earlier content', async (t) => {
  const left = removeFromKubeconfig(mergeKubeconfig(mine, entry), 'k8ts', 'work')!;
  t.strictSame(parse(left), parse(mine));
  t.match(left, /# the big one/);
  t.equal(
    removeFromKubeconfig(mergeKubeconfig(undefined, entry), 'k8ts'),
    undefined,
    'without other entries nothing is left',
  );
  t.equal(currentContext(removeFromKubeconfig(mergeKubeconfig(mine, entry), 'k8ts', 'gone')), '');
});

t.test('empty lists as kubectl writes them, and texts that are not a kubeconfig', async (t) => {
  const empty = 'apiVersion: v1\nkind: Config\nclusters: null\ncontexts: []\nusers: null\ncurrent-context: ""\n';
  t.equal(parse(mergeKubeconfig(empty, entry)).users[0].name, 'k8ts');
  t.throws(() => mergeKubeconfig('- a\n- b\n', entry), { code: 'BadRequest' });
  t.throws(() => mergeKubeconfig('a: [', entry), { code: 'BadRequest' });
});

t.test('ensureKubeconfig writes once, and again only for a reason', async (t) => {
  const path = join(t.testdir(), 'conf', 'admin.conf');
  const nowMs = Date.now();
  const authority = await createAuthority('kubernetes', nowMs);
  const want = { name: 'k8ts', server: entry.server, identity: identities.admin, nowMs };
  t.equal(await ensureKubeconfig(path, authority, want), 'it was missing');
  t.equal(await ensureKubeconfig(path, authority, want), undefined);
  t.equal(readEntry(await readFile(path, 'utf8'), 'k8ts')?.ca, authority.cert);
  t.match(await ensureKubeconfig(path, authority, { ...want, server: 'https://x:1' }), /server address/);
  t.match(
    await ensureKubeconfig(path, authority, { ...want, server: 'https://x:1', nowMs: nowMs + 300 * dayMs }),
    /ends on/,
  );
  t.match(
    await ensureKubeconfig(path, await createAuthority('kubernetes', nowMs), want),
    /server address|another authority/,
  );
  t.equal(readEntry(renderKubeconfig(entry), 'k8ts'), undefined, 'an entry with a malformed CA is ignored');
});
