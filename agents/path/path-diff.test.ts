import t from 'tap';
import type { LocatedHop } from '../../controlplane/base/path-report';
import { diffHops } from './path-diff';
import { sentenceOf } from './what-if';

const hop = (name: string, more: Partial<LocatedHop> = {}): LocatedHop => ({
  kind: 'hook',
  name,
  state: 'passes',
  facts: [],
  leg: 'request',
  node: 'n',
  ...more,
});
const rule = (place: string, text: string) => ({ place, rule: text, verdict: 'accept', objects: [] });

t.test('equal ways differ nowhere, also where lines moved and facts of links changed', async (t) => {
  const way = (line: number, fact: string) => [
    hop('forward', { rules: [rule(`filter K8TS-FORWARD:${line}`, '-A x')] }),
    hop('eth0', { kind: 'interface', facts: [fact] }),
  ];
  t.strictSame(diffHops(way(1, 'REACHABLE'), way(2, 'STALE')), []);
});

t.test('a hop that stops: its rules, and not what lay behind it', async (t) => {
  const drop = rule('inet k8ts-policy to-1:1', 'drop');
  const before = [hop('prerouting'), hop('forward', { rules: [rule('a b:1', 'x')] }), hop('eth0'), hop('socket')];
  const after = [hop('prerouting'), hop('forward', { state: 'stops', rules: [rule('a b:1', 'x'), drop] })];
  t.strictSame(diffHops(before, after), [{ before: 1, after: 1, rulesGone: [], rulesNew: [drop] }]);
  t.strictSame(diffHops(after, before), [{ before: 1, after: 1, rulesGone: [drop], rulesNew: [] }]);
});

t.test('another way: hops of one side only', async (t) => {
  const before = [hop('prerouting'), hop('eth0 of pod a'), hop('end')];
  const after = [hop('prerouting'), hop('eth0 of pod b'), hop('end')];
  t.strictSame(diffHops(before, after), [
    { before: 1, rulesGone: [], rulesNew: [] },
    { after: 1, rulesGone: [], rulesNew: [] },
  ]);
});

t.test('one sentence', async (t) => {
  const verdict = (works: 'yes' | 'no' | 'unsure', code?: string) => ({
    works,
    sentence: 'S.',
    ...(code ? { code } : {}),
  });
  const change = [{ rulesGone: [], rulesNew: [] }];
  const cases = [
    [verdict('yes'), verdict('yes'), [], /changes nothing on this path/],
    [verdict('yes'), verdict('yes'), change, /by other rules or endpoints/],
    [verdict('yes'), verdict('no', 'A'), change, /^The manifest would break this path: S\.$/],
    [verdict('no', 'A'), verdict('yes'), change, /^The manifest would open this path: S\.$/],
    [verdict('no', 'A'), verdict('no', 'A'), [], /would not help: S\./],
    [verdict('no', 'A'), verdict('no', 'B'), change, /for another reason than today/],
    [verdict('no', 'A'), verdict('unsure', 'B'), change, /not sure/],
  ] as const;
  for (const [today, then, changes, says] of cases) t.match(sentenceOf(today, then, changes), says);
});
