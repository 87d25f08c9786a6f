// `k8ts path` in the cluster: faults of each kind are named, healthy ways are not blamed, and rights are kept. hack/labs runs all labs.
import type { Test } from 'tap';
import type { PathReport } from '../../controlplane/base/path-report';
import { faultLabs, healthyLabs } from '../labs/all';
import type { Lab } from '../labs/lab';
import { closeLabs, openLabs, runLab } from '../labs/run';
import { type Cluster, output, root } from './cluster';
import { packetPathTests } from './packet-paths';
import { whatIfTests } from './what-if';

/** One of each kind of evidence; the others differ from these in the object only. */
const looked = [
  'wrong-target-port',
  'selector-mismatch',
  'pod-not-ready',
  'scaled-to-zero',
  'listens-on-loopback',
  'external-local',
  'source-range',
  'cluster-ip-from-outside',
  'other-namespace',
  'dns-policy-default',
  'hosts-file',
  'readiness-gate',
  'dns-stopped',
  'dns-forbidden',
  'policy-ingress',
  'policy-namespace-label',
  'ingress-path-type',
  'ingress-secret-missing',
  'foreign-drop-nftables',
  'answer-dropped',
  'route-prohibited',
  'rp-filter',
  'rule-by-length',
  'neighbour-stale',
  'kube-proxy-stopped',
  'healthy-name-alias',
  'healthy-service-to-itself',
  'healthy-node-port-from-pod',
  'healthy-policy-allowed-name',
];
const tried = [
  'foreign-nat',
  'ingress-wrong-host',
  'pod-own-firewall',
  'dropped-at-the-link',
  'half-of-endpoints',
  'mtu-black-hole',
  'healthy-service',
  'healthy-service-udp',
  'healthy-pod-icmp',
  'healthy-load-balancer',
  'healthy-ingress',
];

export async function pathTests(t: Test, cluster: Cluster): Promise<void> {
  const all = [...faultLabs, ...healthyLabs];
  const named = (names: readonly string[]) => names.map((name) => all.find((lab) => lab.name === name)!);
  t.teardown(() => closeLabs(cluster));
  await openLabs(cluster, all);
  const check = async (lab: Lab, probe: boolean) => {
    const { ok, said, sentence } = await runLab(lab, cluster, probe);
    t.ok(ok, `${lab.name}: ${said}: ${sentence}`);
  };
  for (const lab of named(looked)) await check(lab, false);
  for (const lab of named(tried)) await check(lab, true);

  await t.test('a probe is seen at each link, both ways', async (t) => {
    const text = await cluster.script('path', 'labs/client', 'svc/far', '-n', 'labs', '--output', 'json');
    const { hops, verdict } = JSON.parse(text.stdout) as PathReport;
    t.equal(verdict.works, 'yes', verdict.sentence);
    const seen = hops.find(({ kind }) => kind === 'probe')!.facts.join('\n');
    t.match(
      seen,
      /request in at veth\w+ of worker-1[\s\S]*request out at eth0 of worker-1[\s\S]*request in at eth0 of worker-2/,
    );
    t.match(seen, /answer out at eth0 of worker-2[\s\S]*answer out at veth\w+ of worker-1/);
  });

  await packetPathTests(t, cluster);
  await t.test('what if', (t) => whatIfTests(t, cluster));

  await t.test('a user without rights to probe looks only; without any, is told what is missing', async (t) => {
    await cluster.kubectl('create', 'serviceaccount', '-n', 'labs', 'looker');
    const bind = [
      'create',
      'clusterrolebinding',
      'labs-looker',
      '--clusterrole=k8ts:path',
      '--serviceaccount=labs:looker',
    ];
    const as = ['--as=system:serviceaccount:labs:looker'];
    t.match(
      await cluster.kubectl('auth', 'can-i', 'create', 'hopreports.path.k8ts.io', ...as).catch(() => 'no'),
      /^no/,
    );
    await cluster.kubectl(...bind);
    t.teardown(() => cluster.kubectl('delete', 'clusterrolebinding', 'labs-looker'));
    t.match(await cluster.kubectl('auth', 'can-i', 'create', 'hopreports.path.k8ts.io', ...as), /^yes/);
    t.match(
      await cluster.kubectl('auth', 'can-i', 'create', 'packetprobes.path.k8ts.io', ...as).catch(() => 'no'),
      /^no/,
    );
    const token = (await cluster.kubectl('create', 'token', '-n', 'labs', 'looker')).trim();
    const config = JSON.parse(await cluster.kubectl('config', 'view', '--raw', '--minify', '-o', 'json')) as {
      users: { user: object }[];
    };
    config.users[0]!.user = { token };
    const file = `${t.testdir({ config: JSON.stringify(config) })}/config`;
    const text = await output([
      process.execPath,
      `${root}/dist/k8ts.js`,
      'path',
      'labs/client',
      'svc/far',
      '-n',
      'labs',
      '--kubeconfig',
      file,
    ]);
    t.match(text, /probe: not sent: you may not create packetprobes/);
    t.match(text, /nothing on the way stops it/);
  });

  t.match(
    (await cluster.script('path', 'labs/client', 'svc/nothing', '-n', 'labs')).stderr,
    /Service labs\/nothing does not exist/,
  );
  t.match((await cluster.script('path', 'labs/client')).stderr, /expected FROM and TO/);
}
