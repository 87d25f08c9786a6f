// The table that counts who is refused: it hangs around the policies, and none of its rules decides anything.
import t from 'tap';
import { priorities } from '../policy/names';
import { watchText } from './watch-table';

t.test('the table', async (t) => {
  const text = watchText(true);

  const hooks = [...text.matchAll(/hook forward priority filter \+ (\d+)/g)].map(([, at]) => Number(at));
  t.ok(hooks[0]! < priorities.egress);
  t.ok(priorities.egress < hooks[1]! && hooks[1]! < priorities.ingress);
  t.ok(priorities.ingress < hooks[2]!);
  const rules = text.split('\n').filter((line) => line.startsWith('add rule'));
  t.equal(rules.length, 3 * 4 + 6 + 2);
  const alone = watchText(false);
  t.match(alone, /tcp sequence 0/);
  t.notMatch(alone, /seen|left|entered/, 'without policies');
  for (const rule of rules) t.notMatch(rule, /\b(accept|drop|reject|return|goto|queue|mark set)\b/);
});
