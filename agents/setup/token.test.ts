import { join } from 'node:path';
import t from 'tap';
import { configMaps, secrets } from '../../controlplane/api';
import { type BootstrapToken, readBootstrapToken } from '../../controlplane/api/bootstrap-token';
import { isSignedWith } from '../../controlplane/pki/cluster-info';
import { ensureKubeconfig } from '../../controlplane/pki/kubeconfig';
import { identities } from '../../controlplane/pki/pki';
import { parseOptions } from '../../controlplane/process/options';
import { openControlPlane } from '../../test/lib/control-plane';
import { createToken, joinCommand, renderTokens, runToken, tokenOptions } from './token';

t.setTimeout(120_000);

t.test('create, list, delete', async (t) => {
  const { server, url, authority, client: admin, signal } = await openControlPlane(t);
  const kubeconfig = join(t.testdir(), 'admin.conf');
  await ensureKubeconfig(kubeconfig, authority, { name: 'k8ts', server: url, identity: identities.admin });
  const run = async (...argv: string[]): Promise<string> => {
    const { options, positional } = parseOptions(tokenOptions, [...argv, `--kubeconfig=${kubeconfig}`], {});
    return (await runToken(positional, options, signal)).join('\n');
  };
  const token = await run('create', '--ttl=2h', '--description=for worker-1');
  t.match(token, /^[a-z0-9]{6}\.[a-z0-9]{16}$/);
  const [id = '', secret = ''] = token.split('.');
  const held = readBootstrapToken(await admin.get(secrets, `kube-system/bootstrap-token-${id}`));
  t.match(held, { groups: ['system:bootstrappers:kubeadm:default-node-token'], usages: ['authentication', 'signing'] });
  const { data = {} } = await admin.get(configMaps, 'kube-public/cluster-info');
  t.ok(isSignedWith(data['kubeconfig']!, data[`jws-kubeconfig-${id}`]!, id, secret), 'it can be used at once');
  t.match(
    await run('list'),
    new RegExp(`^TOKEN .*\n${token} +(119m|120m|2h) .* authentication,signing +for worker-1$`),
  );
  t.match(
    await run('create', '--print-join-command', '--ttl=0'),
    new RegExp(`^k8ts join 127.0.0.1:${server.port} --token=[a-z0-9.]{23} --ca-cert-hash=sha256:[0-9a-f]{64}$`),
  );
  t.match(await run('list'), /<forever> +<never>/);
  t.match(await run('delete', token), /is deleted/);
  await t.rejects(admin.get(secrets, `kube-system/bootstrap-token-${id}`), { code: 'NotFound' });
  await t.rejects(run('delete', id), { code: 'NotFound', message: /there is no token .*`k8ts token list`/ });
  await t.rejects(run('delete', 'nonsense'), { code: 'BadRequest' });
  await t.rejects(run('delete'), { code: 'BadRequest', message: /one token/ });
  await t.rejects(run('make'), { code: 'BadRequest', message: /expected create, list or delete/ });
  await t.rejects(run('list', 'x'), { code: 'BadRequest', message: /no arguments/ });
  t.notSame(await createToken(admin, { ttlMs: 1000 }, signal), await createToken(admin, { ttlMs: 1000 }, signal));
});

t.test('token commands away from the control machine', async (t) => {
  const options = {
    kubeconfig: '/nonexistent/admin.conf',
    ttl: 0,
    description: '',
    printJoinCommand: false,
    controlPlane: false,
  };
  await t.rejects(runToken(['list'], options, new AbortController().signal), {
    code: 'NotFound',
    message: /there is no \/nonexistent\/admin.conf: run this on the control machine/,
  });
});

t.test('printed text: tables and commands', async (t) => {
  const nowMs = Date.parse('2026-01-01T00:00:00Z');
  const token = (fields: Partial<BootstrapToken>): BootstrapToken => ({
    id: 'abcdef',
    secret: '0123456789abcdef',
    description: '',
    expiresAtMs: nowMs + 86_400_000,
    usages: ['signing'],
    groups: [],
    problem: undefined,
    ...fields,
  });
  t.strictSame(
    renderTokens([token({}), token({ expiresAtMs: nowMs, usages: [] }), token({ problem: 'broken' })], nowMs).map(
      (line) => line.split(/ {3,}/).slice(1),
    ),
    [
      ['TTL', 'EXPIRES', 'USAGES', 'DESCRIPTION'],
      ['24h', '2026-01-02T00:00:00Z', 'signing'],
      ['<expired>', '2026-01-01T00:00:00Z', '<none>'],
      ['24h', '2026-01-02T00:00:00Z', 'signing', 'unusable: broken'],
    ],
  );
  t.throws(() => joinCommand({ server: 'https://a:1' }, 'x'), { code: 'BadRequest' });
});
