// The phases of a write over test rules: their order, which promises they wait for, and which reservations are undone.
import t from 'tap';
import { configMaps } from '../../api/index';
import type { Reservation, Write, WriteRule } from './rule';
import { Reservations, WriteRules } from './run';

const write: Write = {
  operation: 'create',
  kind: configMaps,
  namespace: 'default',
  name: 'c',
  subresource: '',
  user: { name: 'u', groups: [] },
  dryRun: false,
  warnings: [],
};
const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Rules a, b and c, which record their calls; `slow` rules answer with a promise. */
function threeRules(slow: readonly string[] = []) {
  const log: string[] = [];
  const rule = (name: string): WriteRule => {
    const note = (phase: string): void | Promise<void> => {
      if (!slow.includes(name)) {
        log.push(`${phase} ${name}`);
        return;
      }
      return tick().then(() => void log.push(`${phase} ${name}`));
    };
    const reservation: Reservation = { undo: () => log.push(`undo ${name}`) };
    return {
      name,
      concerns: ({ namespace }) => namespace === 'default',
      mutate: () => note('mutate'),
      validate: () => note('validate'),
      reserve: () => {
        const noted = note('reserve');
        return noted ? noted.then(() => reservation) : reservation;
      },
    };
  };
  return { log, rules: ['a', 'b', 'c'].map(rule) };
}

t.test('rules without promises run in the synchronous stretch of the caller, in the order of the list', async (t) => {
  const { log, rules } = threeRules();
  const run = new WriteRules(rules);
  t.equal(run.mutate(write), undefined);
  t.equal(run.prepare(write), undefined, 'no rule has the phase');
  t.equal(run.validate(write), undefined);
  t.equal(run.reserve(write, new Reservations()), undefined);
  t.strictSame(log, [
    'mutate a',
    'mutate b',
    'mutate c',
    'validate a',
    'validate b',
    'validate c',
    'reserve a',
    'reserve b',
    'reserve c',
  ]);
});

t.test('a rule that returns a promise delays the rules after it, and no rule before it', async (t) => {
  const { log, rules } = threeRules(['b']);
  const pending = new WriteRules(rules).mutate(write);
  t.strictSame(log, ['mutate a']);
  await pending;
  t.strictSame(log, ['mutate a', 'mutate b', 'mutate c']);
});

t.test('a rule that does not concern the write is not called', async (t) => {
  const { log, rules } = threeRules();
  const run = new WriteRules(rules);
  run.mutate({ ...write, namespace: 'other' });
  run.reserve({ ...write, namespace: 'other' }, new Reservations());
  t.strictSame(log, []);
});

for (const slow of [[], ['a'], ['a', 'b', 'c']]) {
  t.test(`reservations are undone in reverse order, once; slow rules: ${slow.join(' ') || 'none'}`, async (t) => {
    const { log, rules } = threeRules(slow);
    const held = new Reservations();
    await new WriteRules(rules).reserve(write, held);
    held.undo();
    held.undo();
    t.strictSame(log, ['reserve a', 'reserve b', 'reserve c', 'undo c', 'undo b', 'undo a']);
  });
}

t.test('reservations from before a refusal can be undone', async (t) => {
  for (const slow of [[], ['b']]) {
    const { log, rules } = threeRules(slow);
    const refusing: WriteRule = {
      name: 'full',
      concerns: () => true,
      reserve: () => {
        throw new Error('full');
      },
    };
    const held = new Reservations();
    const run = new WriteRules([...rules.slice(0, 2), refusing, ...rules.slice(2)]);
    await t.rejects(async () => run.reserve(write, held), { message: 'full' });
    held.undo();
    t.strictSame(log, ['reserve a', 'reserve b', 'undo b', 'undo a']);
  }
});

t.test('after `again` all mutating rules run once more, and not a third time', async (t) => {
  const { log, rules } = threeRules(['c']);
  const outside: WriteRule = {
    name: 'outside',
    concerns: () => true,
    async mutate() {
      log.push('mutate outside');
      return 'again' as const;
    },
  };
  await new WriteRules([...rules.slice(0, 1), outside, ...rules.slice(1)]).mutate(write);
  const once = ['mutate a', 'mutate outside', 'mutate b', 'mutate c'];
  t.strictSame(log, [...once, ...once]);
});
