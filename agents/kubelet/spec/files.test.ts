import t from 'tap';
import { expand, missingNames } from './expand';
import { kernelHostname, podDomain, podHostname, renderHostNetworkHosts, renderHosts } from './hosts';
import { pod } from './pod.fixture';
import { parseResolvConf, podResolvConf, renderResolvConf } from './resolv-conf';

t.test('$(NAME) in commands and arguments', async (t) => {
  const variables = new Map([
    ['A', '1'],
    ['B', '$(A)'],
  ]);
  t.equal(expand('x$(A)y', variables), 'x1y');
  t.equal(expand('$($(A)) $(A$(A) $(A)) $((A)', variables), '$($(A)) $(A$(A) 1) $((A)', 'up to the first bracket');
  t.equal(expand('$(B)', variables), '$(A)', 'values are not expanded again');
  t.equal(expand('$$(A) $(C) $A $(', variables), '$(A) $(C) $A $(');
  t.equal(expand('$(A) $(A $$ $$$ $', variables), '1 $(A $ $$ $', 'a bracket that is never closed');
  t.equal(expand('$('.repeat(300_000), variables).length, 600_000, 'linear in the text');
});

t.test('names without a value', async (t) => {
  const variables = new Map([
    ['A', '1'],
    ['EMPTY', ''],
  ]);
  t.same(missingNames('$(A)/x', variables), []);
  t.same(missingNames('$(Z)/$(A)/$(EMPTY)/$$(NO)/$(B)/$(Z)', variables), ['B', 'EMPTY', 'Z']);
});

t.test('the hosts file of a pod', async (t) => {
  const text = renderHosts({
    podIps: ['10.244.0.5'],
    hostname: 'web',
    domain: 'sub.shop.svc.cluster.local',
    aliases: [{ ip: '192.0.2.9', hostnames: ['a', 'b'] }],
  });
  t.matchOnly(text.split('\n').slice(0, 2), ['# Kubernetes-managed hosts file.', '127.0.0.1\tlocalhost']);
  t.match(text, '10.244.0.5\tweb.sub.shop.svc.cluster.local\tweb\n');
  t.ok(text.endsWith('\n# Entries added by HostAliases.\n192.0.2.9\ta\tb\n'));
  t.match(renderHosts({ podIps: ['10.244.0.5'], hostname: 'web', domain: '', aliases: [] }), '10.244.0.5\tweb\n');
  const both = renderHosts({ podIps: ['10.244.0.5', 'fd00::5'], hostname: 'web', domain: '', aliases: [] });
  t.match(both, '10.244.0.5\tweb\nfd00::5\tweb\n');
  t.equal(
    renderHostNetworkHosts('127.0.0.1 localhost\n', []),
    '# Kubernetes-managed hosts file (host network).\n127.0.0.1 localhost\n',
  );
  t.equal(podHostname(pod({}, { metadata: { name: `${'a'.repeat(62)}-b` } })), 'a'.repeat(62));
});

t.test('resolv.conf', async (t) => {
  const host = parseResolvConf('# made by hand\nnameserver 192.0.2.53\nsearch lan.example.\noptions timeout:1\n');
  const dns = { address: '10.96.0.10', domain: 'cluster.local' };
  const text = (spec: object) => renderResolvConf(podResolvConf(pod(spec), dns, host));
  const cluster =
    'search shop.svc.cluster.local svc.cluster.local cluster.local lan.example\nnameserver 10.96.0.10\noptions ndots:5\n';
  t.equal(text({}), cluster);
  t.equal(text({ dnsPolicy: 'ClusterFirstWithHostNet', hostNetwork: true }), cluster);
  const own = 'search lan.example\nnameserver 192.0.2.53\noptions timeout:1\n';
  t.equal(text({ dnsPolicy: 'Default' }), own);
  t.equal(text({ hostNetwork: true }), own, 'ClusterFirst on the host network is Default');
  const dnsConfig = {
    nameservers: ['192.0.2.1'],
    searches: ['x.test'],
    options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
  };
  t.equal(text({ dnsPolicy: 'None', dnsConfig }), 'search x.test\nnameserver 192.0.2.1\noptions ndots:2 edns0\n');
  t.match(text({ dnsConfig }), /options ndots:2 edns0\n$/);
});

t.test('the host name in the kernel: short, as FQDN, or as the pod overrides it', async (t) => {
  const named = (spec: Parameters<typeof pod>[0]) => kernelHostname(pod(spec), 'cluster.local');
  t.equal(named({ subdomain: 'sub' }), 'web');
  t.equal(named({ setHostnameAsFQDN: true }), 'web', 'without a domain there is no FQDN');
  t.equal(named({ setHostnameAsFQDN: true, subdomain: 'sub', hostname: 'a' }), 'a.sub.shop.svc.cluster.local');
  const overridden = { hostnameOverride: 'db.example.com', hostname: 'a', subdomain: 'sub' };
  t.equal(named(overridden), 'db.example.com');
  t.equal(podDomain(pod(overridden), 'cluster.local'), '');
  t.throws(() => named({ setHostnameAsFQDN: true, subdomain: 's'.repeat(50) }), {
    message:
      /^failed to construct FQDN from pod hostname .* is too long \(64 characters is the max, 77 characters requested\)$/,
  });
});
