import t from 'tap';
import type { LocatedHop, PathReport } from '../../../base/path-report';
import { chaptersOf, learnedOf, nextStepsOf } from './chapters';

const hop = (
  leg: LocatedHop['leg'],
  node: string,
  kind: LocatedHop['kind'],
  name: string,
  more: Partial<LocatedHop> = {},
): LocatedHop => ({ leg, kind, name, state: 'passes', facts: ['a'], ...(node === '' ? {} : { node }), ...more });
const rule = (...objects: readonly string[]) => ({ rules: [{ place: 'p', rule: 'r', verdict: 'jump', objects }] });
const becomes = {
  becomes: { protocol: 'tcp' as const, source: '10.0.0.1', destination: '10.0.1.5', destinationPort: 8080 },
};
const hops: readonly LocatedHop[] = [
  hop('name', 'n1', 'hook', 'prerouting', rule('Service kube-system/kube-dns')),
  hop('name', '', 'name', 'name servers'),
  hop('request', '', 'choice', 'Service shop/web'),
  hop('request', 'n1', 'interface', 'eth0 of pod shop/client'),
  hop('request', 'n1', 'hook', 'prerouting', { ...rule('Service shop/web'), ...becomes }),
  hop('request', 'n1', 'hook', 'forward', rule('NetworkPolicy shop/egress')),
  hop('request', 'n1', 'routing', 'routing'),
  hop('request', 'n2', 'routing', 'routing'),
  hop('request', 'n2', 'hook', 'forward', rule('NetworkPolicy shop/ingress', 'NetworkPolicy shop/ingress ingress[0]')),
  hop('request', 'n2', 'neighbour', 'neighbour'),
  hop('request', 'n2', 'socket', 'tcp port 8080'),
  hop('answer', 'n1', 'hook', 'postrouting', becomes),
  hop('request', '', 'probe', 'probe'),
];
const report: PathReport = {
  apiVersion: 'path.k8ts.io/v1alpha1',
  kind: 'PathReport',
  from: 'pod shop/client',
  to: 'Service shop/web',
  probed: true,
  hops,
  verdict: { works: 'yes', sentence: '' },
};
const kinds = (one: PathReport) => chaptersOf(one).map(({ kind, steps }) => `${kind} ${steps.length}`);
const keys = (list: readonly { readonly key: string }[]) => list.map(({ key }) => key);

t.test('the chapters of a request', async (t) => {
  t.strictSame(kinds(report), ['name 2', 'service 3', 'policy 1', 'node 1', 'policy 1', 'container 2', 'answer 2']);
});

t.test('a packet that is stopped has no container; one that a process of the node gets has one', async (t) => {
  const stopped = { ...report, hops: hops.slice(2, 9) };
  t.strictSame(kinds(stopped), ['service 3', 'policy 1', 'node 1', 'policy 1']);
  const local = [
    hop('request', 'n1', 'routing', 'routing'),
    hop('request', 'n1', 'hook', 'input'),
    hop('request', 'n1', 'socket', 'port'),
  ];
  t.strictSame(kinds({ ...report, hops: local }), ['node 2', 'container 1']);
});

t.test('an Ingress is a chapter before the way from it on', async (t) => {
  const before = [hop('request', 'n1', 'socket', 'port 80'), hop('request', 'n1', 'proxy', 'Ingress shop/front')];
  const after = hops.slice(2, 11).map((one) => ({ ...one, leg: 'upstream' as const }));
  t.strictSame(kinds({ ...report, hops: [...before, ...after] }).slice(0, 2), ['ingress 2', 'service 3']);
});

t.test('hops that only pass the packet on are lessons once', async (t) => {
  const back = ['interface', 'routing', 'hook', 'routing'] as const;
  const answer = [...back.map((kind) => hop('answer', 'n1', kind, kind)), hops[11]!];
  t.strictSame(kinds({ ...report, hops: answer }), ['answer 2']);
  const way = back.map((kind) => hop('request', 'n1', kind, kind));
  t.strictSame(kinds({ ...report, hops: way }), ['node 3']);
});

t.test('what was learned', async (t) => {
  t.match(learnedOf(report), [
    { key: 'learnedName' },
    { key: 'learnedService', values: { node: 'n1', backend: '10.0.1.5:8080' } },
    { key: 'learnedNodes', values: { nodes: 'n1 → n2' } },
    { key: 'learnedPolicy', values: { policies: 'shop/egress, shop/ingress' } },
    { key: 'learnedContainer' },
    { key: 'learnedAnswer' },
  ]);
  const verdict = { works: 'no' as const, code: 'IngressPolicy', hop: 8, sentence: '' };
  const stopped = learnedOf({ ...report, hops: hops.slice(0, 9), verdict });
  t.match(stopped.at(-1), { key: 'learnedStopped', values: { hop: 'forward', code: 'IngressPolicy' } });
});

t.test('a name that is not known has become no address', async (t) => {
  const verdict = { works: 'no' as const, code: 'NameNotResolved', hop: 1, sentence: '' };
  t.strictSame(keys(learnedOf({ ...report, hops: hops.slice(0, 2), verdict })), ['learnedStopped']);
});

t.test('what to try next', async (t) => {
  const asked = { from: 'shop/client', to: 'svc/shop/web:80' };
  t.match(nextStepsOf(report, asked), [
    { key: 'tryName', ask: { from: 'shop/client', to: 'web.shop:80' } },
    { key: 'tryOutside', ask: { from: 'outside', to: 'svc/shop/web:80' } },
  ]);
  const open = { ...report, hops: hops.slice(2, 4) };
  t.strictSame(keys(nextStepsOf(open, { from: 'shop/client', to: '10.0.0.1:80' })), ['tryPolicy', 'tryOtherNode']);
  const failed = { ...open, verdict: { works: 'no' as const, sentence: '' } };
  t.match(nextStepsOf(failed, asked)[0], { key: 'tryRepair', ask: asked });
});
