import t from 'tap';
import type { PathReport } from '../../../base/path-report';
import { firstFailing, foldsOf } from './folds';
import type { Step } from './steps';

const step = (name: string, more: Partial<Step> = {}): Step => ({
  kind: 'hook',
  name,
  state: 'passes',
  facts: [],
  leg: 'request',
  index: 0,
  isGuilty: false,
  ...more,
});
const rule = (verdict: string, ...objects: readonly string[]) => ({
  rules: [{ place: 'p', rule: 'r', verdict, objects }],
});
const shown = (...steps: readonly Step[]) =>
  foldsOf(steps).map((fold) => `${fold.isQuiet ? '-' : '+'} ${fold.steps.map(({ name }) => name)}`);

t.test('hops that only pass the packet on are one line', async (t) => {
  t.strictSame(
    shown(
      step('a', { kind: 'routing' }),
      step('b', rule('jump')),
      step('service', rule('jump', 'Service shop/web')),
      step('alone', { kind: 'interface' }),
      step('changed', { becomes: { protocol: 'tcp', source: 'a', destination: 'b' } }),
      step('socket', { kind: 'socket' }),
      step('c'),
      step('d'),
    ),
    ['- a,b', '+ service', '+ alone', '+ changed,socket', '- c,d'],
  );
});

t.test('what is not as it should be is never folded', async (t) => {
  const fault = { fault: { code: 'NoRoute', message: '' } };
  const dropped = step('dropped', rule('drop'));
  t.strictSame(shown(step('a'), step('b', { state: 'doubtful' }), step('c', fault), dropped), ['+ a', '+ b,c,dropped']);
  t.strictSame(shown(step('a', { isGuilty: true }), step('b', { state: 'unknown' })), ['+ a,b']);
});

t.test('the first failing hop', async (t) => {
  const of = (works: 'yes' | 'no' | 'unsure', hop?: number) =>
    firstFailing({
      hops: [step('a'), step('b', { state: 'doubtful' }), step('c', { state: 'stops' })],
      verdict: { works, sentence: '', ...(hop === undefined ? {} : { hop }) },
    } as unknown as PathReport);
  t.equal(of('no', 2), 2);
  t.equal(of('unsure'), 1);
  t.equal(of('yes'), undefined);
});
