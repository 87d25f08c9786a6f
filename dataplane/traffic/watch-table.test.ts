// The table that counts who is refused: it hangs around the rules of a node, and none of its own decides anything.
import t from 'tap';
import { priorities } from '../policy/names';
import { stages, watchText } from './watch-table';

/** `HOOK PRIORITY STAGE` of each rule that counts. */
const places = (text: string): string[] => {
  const hooks = new Map(
    [...text.matchAll(/add chain inet k8ts-watch (\S+) \{ type filter hook (\w+) priority (.+?); /g)].map(
      ([, chain, hook, priority]) => [chain!, `${hook} ${priority}`],
    ),
  );
  const jumps = [...text.matchAll(/add rule inet k8ts-watch (\S+) .*ct state new jump (\w+)/g)];
  return [...new Set(jumps.map(([, chain, stage]) => `${hooks.get(chain!)} ${stage}`))];
};

t.test('on a node with policies', async (t) => {
  const text = watchText(true);

  t.same(places(text), [
    'forward mangle - 1 arrived',
    'forward filter + 9 seen',
    'input mangle - 1 arrived',
    'input filter + 9 seen',
    'output -99 arrived',
    ...['seen', 'left', 'entered'].map((stage) => `output filter + 9 ${stage}`),
    'forward filter + 11 left',
    'forward filter + 13 entered',
    'input filter + 11 left',
    'input filter + 11 entered',
  ]);
  t.same(priorities, { egress: 10, ingress: 12 });
  for (const rule of text.split('\n').filter((line) => line.startsWith('add rule')))
    t.notMatch(rule, /\b(accept|drop|reject|return|goto|queue|mark set)\b/);
});

t.test('on a node without', async (t) => {
  const text = watchText(false);

  t.match(text, /tcp sequence 0/);
  t.notMatch(text, /left|entered/);
  t.same(new Set(places(text).map((place) => place.split(' ').at(-1))), new Set(stages.slice(0, 2)));
});
