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
