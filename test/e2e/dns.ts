// Names as a pod sees them: nslookup, search list, SRV, PTR, headless, ExternalName, names outside.
import type t from 'tap';
import { type Cluster, podsOf } from './cluster';

type Test = typeof t;

export function dnsTests(t: Test, cluster: Cluster): void {
  const dig = async (...args: readonly string[]) =>
    (await cluster.toolbox('dig', '+short', ...args)).trim().split('\n').sort();
  const clusterIp = () =>
    cluster.kubectl('-n', 'codereview', 'get', 'service', 'codereviewapi', '-o', 'jsonpath={.spec.clusterIP}');
  const zone = 'codereview.svc.cluster.local';

  t.test('nslookup names the server, the full name and the ClusterIP', async (t) => {
    const text = await cluster.toolbox('nslookup', 'codereviewapi');
    t.match(text, /^Server:\s+10\.96\.0\.10$/m);
    t.match(text, new RegExp(`^Name:\\s+codereviewapi\\.${zone.replaceAll('.', '\\.')}$`, 'm'));
    t.match(text, `Address: ${await clusterIp()}`);
  });

  t.test('dig follows the search list', async (t) => {
    t.strictSame(await dig('+search', 'codereviewapi'), [await clusterIp()]);
    t.strictSame(await dig('+search', 'codereviewapi.codereview'), [await clusterIp()]);
    t.strictSame(await dig('+search', 'kubernetes.default'), ['10.96.0.1']);
  });

  t.test('SRV and PTR', async (t) => {
    t.strictSame(await dig('SRV', `_http._tcp.codereviewapi.${zone}`), [`0 100 80 codereviewapi.${zone}.`]);
    t.strictSame(await dig('-x', await clusterIp()), [`codereviewapi.${zone}.`]);
  });

  t.test('a headless Service has one address per ready pod, and SRV records for them', async (t) => {
    const pods = await podsOf(cluster, 'codereview', 'app=codereviewapi');
    t.strictSame(await dig(`codereviewapi-headless.${zone}`), pods.map(({ status }) => status.podIP!).sort());
    t.equal((await dig('SRV', `_http._tcp.codereviewapi-headless.${zone}`)).length, pods.length);
  });

  t.test('an ExternalName is a CNAME', async (t) => {
    const text = await cluster.toolbox('dig', '+noall', '+answer', `upstream.${zone}`);
    t.match(text, /\bCNAME\s+deb\.debian\.org\.$/m);
  });

  t.test('an unknown name is NXDOMAIN at once, with authority', async (t) => {
    const text = await cluster.toolbox('dig', `nothing.${zone}`);
    t.match(text, /status: NXDOMAIN/);
    t.match(text, /flags: qr aa/);
  });

  t.test('the DNS server answers over TCP', async (t) => {
    t.strictSame(await dig('+tcp', `codereviewapi.${zone}`), [await clusterIp()]);
  });

  t.test('names outside the cluster go to the resolver of the host', async (t) => {
    const resolver = (await cluster.inNode('control', 'cat', '/etc/resolv.conf')).match(
      /^nameserver (\d[\d.]+)$/m,
    )?.[1];
    if (!resolver) return t.comment('this host has no IPv4 resolver');
    const status = (text: string) => /status: (\w+)/.exec(text)?.[1] ?? 'no answer';
    const args = ['+time=3', '+tries=1', 'A', 'deb.debian.org'];
    const direct = status(await cluster.toolbox('dig', `@${resolver}`, ...args).catch(() => ''));
    const ours = status(await cluster.toolbox('dig', ...args).catch(() => ''));
    if (direct === 'no answer') t.comment(`the resolver ${resolver} does not answer pods either`);
    t.equal(ours, direct === 'no answer' ? 'SERVFAIL' : direct);
  });
}
