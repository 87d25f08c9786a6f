import t from 'tap';
import type { PathReport } from '../../../base/path-report';
import { lessonsOf, packetText, sectionsOf } from './steps';

const hop = (leg: 'request' | 'answer', node: string | undefined, name: string, facts: readonly string[] = ['a']) => ({
  kind: 'interface' as const,
  name,
  state: 'passes' as const,
  facts,
  leg,
  ...(node === undefined ? {} : { node }),
});
const report: PathReport = {
  apiVersion: 'path.k8ts.io/v1alpha1',
  kind: 'PathReport',
  from: 'a',
  to: 'b',
  probed: false,
  hops: [
    hop('request', undefined, 'choice'),
    hop('request', 'n1', 'eth0'),
    hop('request', 'n1', 'bare', []),
    { ...hop('request', 'n2', 'forward'), state: 'stops' },
    hop('answer', 'n2', 'eth0'),
  ],
  verdict: { works: 'no', sentence: '', hop: 3 },
};

t.test('sections are the machines on the way', async (t) => {
  t.strictSame(
    sectionsOf(report).map(({ leg, node, steps }) => [leg, node, steps.map(({ name }) => name)]),
    [
      ['request', undefined, ['choice']],
      ['request', 'n1', ['eth0', 'bare']],
      ['request', 'n2', ['forward']],
      ['answer', 'n2', ['eth0']],
    ],
  );
  const guilty = sectionsOf(report).flatMap(({ steps }) => steps.filter(({ isGuilty }) => isGuilty));
  t.strictSame(
    guilty.map(({ name }) => name),
    ['forward'],
  );
});

t.test('the tour leaves out hops that say nothing', async (t) => {
  t.strictSame(
    lessonsOf(report).map(({ index }) => index),
    [0, 1, 3, 4],
  );
});

t.test('a packet as text', async (t) => {
  t.equal(
    packetText({ protocol: 'tcp', source: 'fd00::1', sourcePort: 9, destination: '10.0.0.1' }),
    'tcp [fd00::1]:9 → 10.0.0.1',
  );
});
