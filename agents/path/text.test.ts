import t from 'tap';
import type { PathReport } from '../../controlplane/base/path-report';
import { renderReport, wrapped } from './text';

const report: PathReport = {
  apiVersion: 'path.k8ts.io/v1alpha1',
  kind: 'PathReport',
  from: 'pod shop/client',
  to: 'Service shop/web',
  probed: false,
  hops: [
    { kind: 'choice', name: 'Service shop/web', state: 'passes', facts: ['10.96.0.7 port 80', 'more'], leg: 'request' },
    {
      kind: 'hook',
      name: 'prerouting',
      state: 'passes',
      facts: [],
      leg: 'request',
      node: 'a',
      becomes: { protocol: 'tcp', source: '10.244.0.3', destination: 'fd00::5', destinationPort: 80 },
      rules: [{ place: 'nat X:1', rule: '-A X', verdict: 'dnat', objects: ['Service shop/web'], packets: 3 }],
    },
    {
      kind: 'routing',
      name: 'routing',
      state: 'stops',
      facts: ['a fact'],
      leg: 'answer',
      node: 'b',
      fault: { code: 'NoRoute', message: 'no way' },
    },
  ],
  verdict: { works: 'no', code: 'NoRoute', hop: 2, sentence: 'It does not arrive.', remedy: 'ip route add' },
};

t.test('short, wide, and in colour', async (t) => {
  const short = renderReport(report, { details: false, colour: false, width: 80 });
  t.equal(
    short,
    `pod shop/client  →  Service shop/web

request
  ok     Service shop/web: 10.96.0.7 port 80

request, node a
  ok     prerouting: now tcp 10.244.0.3 to [fd00::5]:80

answer, node b
  STOPS  routing: a fact
         no way

It does not arrive.
To change it: ip route add
`,
  );
  const wide = renderReport(report, { details: true, colour: false, width: 80 });
  t.match(wide, /^ {9}nat X:1, dnat, Service shop\/web, 3 packets so far\n {11}-A X$/m);
  t.ok(renderReport(report, { details: false, colour: true, width: 80 }).includes('\x1b[31mSTOPS'));
});

t.test('long lines continue below, at spaces', async (t) => {
  t.same(wrapped('  aaaa bbbb cccc', 11), ['  aaaa bbbb', '    cccc']);
  t.same(wrapped(`  ${'x'.repeat(30)} y`, 10), [`  ${'x'.repeat(30)}`, '    y'], 'a long word stays whole');
});
