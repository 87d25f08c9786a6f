// Which of a, b and c are called in the second pass, by what each did in the first one.
import t from 'tap';
import { Reinvocation } from './reinvocation';

t.test('the second pass', async (t) => {
  const cases: readonly {
    readonly name: string;
    /** id, asks to be called again, changed the object */
    readonly first: readonly (readonly [id: string, wants: boolean, changed: boolean])[];
    readonly changedBetween?: boolean;
    readonly due: readonly string[];
  }[] = [
    {
      name: 'no change',
      first: [
        ['a', true, false],
        ['b', true, false],
      ],
      due: [],
    },
    {
      name: 'a change by the last',
      first: [
        ['a', true, false],
        ['b', true, true],
      ],
      due: ['a'],
    },
    {
      name: 'a change by the first',
      first: [
        ['a', true, true],
        ['b', true, false],
      ],
      due: [],
    },
    {
      name: 'one that does not ask',
      first: [
        ['a', false, false],
        ['b', true, true],
      ],
      due: [],
    },
    {
      name: 'another rule changed the object',
      first: [
        ['a', true, false],
        ['b', false, true],
      ],
      changedBetween: true,
      due: ['a'],
    },
    { name: 'another rule changed what all saw', first: [['a', true, true]], changedBetween: true, due: ['a'] },
  ];
  for (const { name, first, changedBetween = false, due } of cases) {
    const reinvocation = new Reinvocation();
    for (const [id, wants, changed] of first) {
      t.ok(reinvocation.isDue(id), `${name}: all are called in the first pass`);
      reinvocation.called(id, wants, changed);
    }
    reinvocation.endFirst({ kind: 'K' });
    reinvocation.beginSecond({ kind: changedBetween ? 'L' : 'K' });
    t.strictSame(
      ['a', 'b', 'c'].filter((id) => reinvocation.isDue(id)),
      due,
      name,
    );
  }
});

t.test('after a change all are called again, if the caller says so', async (t) => {
  const reinvocation = new Reinvocation();
  reinvocation.called('a', true, true);
  reinvocation.called('b', false, true);
  reinvocation.endFirst({}, true);
  reinvocation.beginSecond({});
  t.strictSame(
    ['a', 'b'].map((id) => reinvocation.isDue(id)),
    [true, false],
  );
});

t.test('a change in the second pass', async (t) => {
  const reinvocation = new Reinvocation();
  reinvocation.called('a', true, false);
  reinvocation.called('b', true, true);
  reinvocation.endFirst({});
  reinvocation.beginSecond({});
  t.notOk(reinvocation.isDue('b'), 'b saw all changes');
  reinvocation.called('a', true, true);
  t.ok(reinvocation.isDue('b'), 'now a changed the object after b');
});
