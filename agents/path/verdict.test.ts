import t from 'tap';
import type { LocatedHop } from '../../controlplane/base/path-report';
import { judge } from './verdict';

const hop = (state: LocatedHop['state'], code?: string, kind: LocatedHop['kind'] = 'hook'): LocatedHop => ({
  kind,
  name: 'forward',
  state,
  facts: ['a fact'],
  leg: 'request',
  node: 'w1',
  ...(code ? { fault: { code, message: `because of ${code}`, remedy: 'do this' } } : {}),
});
const ask = (hops: LocatedHop[], probes: LocatedHop[] = []) =>
  judge({ from: 'pod a', to: 'Service b', hops, probes, ends: 1 });
const good = hop('passes', undefined, 'probe');
const bad = hop('stops', 'NoAnswer', 'probe');

t.test('the plan alone', async (t) => {
  t.match(ask([hop('passes')]), { works: 'yes', sentence: /^Pod a reaches Service b: nothing on the way stops it/ });
  t.match(ask([hop('passes'), hop('doubtful', 'B'), hop('stops', 'C')]), {
    works: 'no',
    code: 'C',
    hop: 2,
    remedy: 'do this',
  });
  t.match(ask([hop('doubtful', 'B')]), { works: 'unsure', code: 'B' });
  t.match(ask([hop('unknown')]), { works: 'unsure', code: 'Unknown', sentence: /a fact/ });
});

t.test('with a probe', async (t) => {
  t.match(ask([hop('passes')], [good]), { works: 'yes', sentence: /a probe arrived/ });
  t.match(ask([hop('doubtful', 'B'), hop('unknown')], [good]), { works: 'yes' }, 'the probe decides');
  t.match(ask([hop('passes')], [bad]), { works: 'no', code: 'NoAnswer', hop: 1 });
  t.match(ask([hop('doubtful', 'B')], [bad]), { works: 'no', code: 'B', hop: 0 }, 'the doubt explains the silence');
  t.match(ask([hop('stops', 'C')], [bad]), { works: 'no', code: 'C', sentence: /A probe confirms it/ });
  t.match(ask([hop('stops', 'C')], [good]), { works: 'unsure', code: 'PlanDisagrees', hop: 0 });
  const connected = { ...good, facts: ['connected after 1 ms'] };
  t.match(
    ask([hop('doubtful', 'AnswerStrays')], [connected]),
    { works: 'unsure', code: 'AnswerStrays' },
    'a connection alone proves nothing',
  );
  t.match(ask([hop('stops', 'ForeignNat')], [good]), { works: 'no', code: 'ForeignNat' }, 'another machine answers');
  t.match(ask([hop('passes')], [good, hop('stops', 'MtuBlackHole', 'probe')]), {
    works: 'no',
    code: 'MtuBlackHole',
    hop: 2,
  });
});

t.test('some of the endpoints', async (t) => {
  const some = (hops: LocatedHop[], probes: LocatedHop[]) =>
    judge({ from: 'pod a', to: 'Service b', hops, probes, ends: 2, isPart: true });
  const only = { works: 'unsure', sentence: /^Pod a reaches Service b by some of its endpoints only/ };
  t.match(some([hop('passes')], [bad, good]), { ...only, code: 'NoAnswer', hop: 1 });
  t.match(some([hop('stops', 'C')], [good]), { ...only, code: 'C', hop: 0 }, 'the probe has met another one');
});

t.test('a rule whose words are not known is blamed for what is lost on its node', async (t) => {
  const lostAt = (node: string): LocatedHop => ({
    ...bad,
    fault: { code: 'LostInNode', message: `the request came in at eth0 of node ${node}, and did not leave that node` },
  });
  t.match(ask([hop('doubtful', 'UnreadRule')], [lostAt('w1')]), { works: 'no', code: 'UnreadRule' });
  t.match(ask([hop('doubtful', 'UnreadRule')], [lostAt('w2')]), { works: 'no', code: 'LostInNode' });
  t.match(ask([hop('doubtful', 'UnreadRule')], [good]), { works: 'yes' });
});

t.test('a neighbour that did not answer before is not blamed for what has arrived', async (t) => {
  const doubt = hop('doubtful', 'NoNeighbour', 'neighbour');
  t.match(ask([doubt], [bad]), { works: 'no', code: 'NoAnswer' });
  t.match(ask([doubt], [hop('stops', 'LostInNode', 'probe')]), { works: 'no', code: 'NoNeighbour' });
});

t.test('a datagram that nothing answers', async (t) => {
  const silent = { ...good, facts: ['timeout after 1002 ms'] };
  t.match(ask([hop('passes')], [silent]), { works: 'yes', sentence: /arrived there; nothing answered it/ });
});

t.test('what a kubelet says is one part of the sentence', async (t) => {
  const said = { code: 'NodeDown', message: 'not ready: [PLEG is not healthy,\n  no network].  ' };
  t.match(ask([{ ...hop('stops'), fault: said }]), {
    sentence: 'Pod a does not reach Service b: not ready: [PLEG is not healthy, no network] (at forward on node w1).',
  });
});

t.test('a program that does not answer, and a rule that could not be read', async (t) => {
  const slow = hop('doubtful', 'NoAnswerInTime', 'probe');
  t.match(ask([hop('passes')], [slow]), { works: 'unsure', code: 'NoAnswerInTime' });
  t.match(ask([hop('doubtful', 'UnreadRule')], [slow]), {
    works: 'unsure',
    code: 'UnreadRule',
    sentence: /^Pod a reaches Service b, but not well: .* A probe confirms it: /,
  });
});

t.test('a datagram without an answer proves nothing against the plan', async (t) => {
  const silent = { ...good, facts: ['timeout after 1002 ms'] };
  t.match(ask([hop('stops', 'ForeignRule')], [silent]), { works: 'no', code: 'ForeignRule' });
  t.match(ask([hop('passes')], [silent]), { works: 'yes' });
});

t.test('a neighbour of the answer is not found, though the request has arrived', async (t) => {
  const missing = { ...hop('doubtful', 'NoNeighbour', 'neighbour'), leg: 'answer' as const };
  t.match(ask([missing], [bad]), { works: 'no', code: 'NoNeighbour' });
});

t.test('a rule that decides by chance', async (t) => {
  const rule = {
    place: 'filter FORWARD:1',
    rule: '-m statistic --mode random -j DROP',
    verdict: 'drop',
    objects: [],
    byChance: true,
  };
  const chance = { ...hop('stops', 'ForeignRule'), rules: [rule] };
  t.match(ask([chance], [good]), {
    works: 'unsure',
    code: 'ForeignRule',
    sentence: /reaches Service b, but not always/,
  });
  t.match(ask([chance], [good, hop('doubtful', 'LostByChance', 'probe')]), { works: 'unsure', code: 'LostByChance' });
  t.match(ask([hop('doubtful', 'UnreadRule')], [good, hop('doubtful', 'LostByChance', 'probe')]), {
    code: 'LostByChance',
  });
});

t.test('a rule with unknown words has not dropped what was accepted', async (t) => {
  const unread = hop('doubtful', 'UnreadRule');
  const reset = hop('stops', 'Reset', 'probe');
  t.match(ask([unread], [reset]), { works: 'no', code: 'Reset' });
  const rejecting = { ...unread, fault: { ...unread.fault!, message: 'meta length 5 reject with tcp reset' } };
  t.match(ask([rejecting], [reset]), { works: 'no', code: 'UnreadRule' }, 'it may have looked into the packet');
});
