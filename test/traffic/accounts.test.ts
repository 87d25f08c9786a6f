import t from 'tap';
import { account, causeOf, type Fault, outcomes, type RequestEnd, type Run, renderAccounts } from './accounts';

const request = (fields: Partial<RequestEnd>): RequestEnd => ({
  at: 1000,
  tookMs: 10,
  way: 'ClusterIP',
  from: 'pod',
  connection: 'new',
  outcome: 'ok',
  ...fields,
});
const fault = (fields: Partial<Fault>): Fault => ({ kind: 'rollout', node: '', from: 0, until: 2000, ...fields });
const run = (fields: Partial<Run>): Run => ({ requests: [], faults: [], ended: [], moves: [], ...fields });

t.test('the cause: all kinds of fault that were active at some time of the request', async (t) => {
  const cases: readonly { name: string; faults: readonly Fault[]; tookMs?: number; cause: string }[] = [
    { name: 'none', faults: [], cause: 'no fault' },
    { name: 'over before', faults: [fault({ until: 999 })], cause: 'no fault' },
    { name: 'over at its begin', faults: [fault({ until: 1000 })], cause: 'rollout' },
    { name: 'begun after its end', faults: [fault({ from: 1011 })], cause: 'no fault' },
    { name: 'begun while it was under way', faults: [fault({ from: 1009 })], cause: 'rollout' },
    {
      name: 'a long request and a short fault within',
      faults: [fault({ from: 2000, until: 2001 })],
      tookMs: 5000,
      cause: 'rollout',
    },
    { name: 'not over yet', faults: [fault({ until: undefined })], cause: 'rollout' },
    {
      name: 'two, in the order of their begin',
      faults: [fault({ kind: 'dns', node: 'a', from: 900 }), fault({ from: 800 })],
      cause: 'rollout + dns',
    },
    {
      name: 'two of one kind',
      faults: [fault({ kind: 'dns', node: 'a' }), fault({ kind: 'dns', node: 'b' })],
      cause: 'dns',
    },
  ];
  for (const { name, faults, tookMs = 10, cause } of cases) t.equal(causeOf(request({ tookMs }), faults), cause, name);
});

t.test('every request is in one column: sent is the sum of all outcomes', async (t) => {
  const requests = [
    ...outcomes.map((outcome) => request({ outcome })),
    request({ connection: 'kept' }),
    request({ way: 'DNS', outcome: 'timed out' }),
  ];
  const { rows, losses } = account(run({ requests }), () => undefined);
  t.strictSame(
    rows.map(({ way, connection, sent }) => [way, connection, sent]),
    [
      ['ClusterIP', 'new', 6],
      ['ClusterIP', 'kept', 1],
      ['DNS', 'new', 1],
    ],
  );
  for (const { sent, counts } of rows) {
    t.equal(
      Object.values(counts).reduce((a, b) => a + b, 0),
      sent,
    );
  }
  t.strictSame(rows[0]!.counts, { ok: 1, refused: 1, reset: 1, 'timed out': 1, unreachable: 1, 'wrong answer': 1 });
  t.equal(losses.length, 6);
});

t.test('a request that was sent again is answered, and still needs an excuse', async (t) => {
  const requests = [request({ connection: 'kept', sentAgain: true, pod: 'a' }), request({ connection: 'kept' })];
  t.match(account(run({ requests }), () => undefined).rows, [
    { sent: 2, counts: { ok: 2 }, sentAgain: 1, lost: 1, allowed: 0 },
  ]);
  t.match(account(run({ requests }), () => ({ why: 'why', fault: 'drain' })).rows, [
    { sentAgain: 1, lost: 0, allowed: 1 },
  ]);
});

t.test('losses are counted by cause, way, end and excuse; an excuse names its fault', async (t) => {
  const requests = [
    request({ outcome: 'reset' }),
    request({ outcome: 'reset' }),
    request({ outcome: 'refused', at: 5000 }),
    request({}),
  ];
  const { causes, rows } = account(run({ requests, faults: [fault({})] }), ({ outcome }) =>
    outcome === 'reset' ? { why: 'a reason', fault: 'drain' } : undefined,
  );
  t.strictSame(
    [...causes],
    [
      ['drain | ClusterIP | new | reset | a reason', 2],
      ['no fault | ClusterIP | new | refused | NOT ALLOWED', 1],
    ],
  );
  t.match(rows, [{ sent: 4, allowed: 2, lost: 1 }]);
});

t.test('times are those of answered requests', async (t) => {
  const requests = [
    ...Array.from({ length: 99 }, (_, i) => request({ tookMs: i + 1 })),
    request({ tookMs: 5000 }),
    request({ tookMs: 12_000, outcome: 'timed out' }),
  ];
  t.match(account(run({ requests }), () => undefined).rows, [{ medianMs: 51, p99Ms: 5000 }]);
});

t.test('the tables', async (t) => {
  const text = renderAccounts(
    account(run({ requests: [request({}), request({ outcome: 'reset' })], faults: [fault({})] }), () => undefined),
  );
  t.match(
    text,
    /^way +connection +sent +ok +refused +reset +timed out +unreachable +wrong answer +sent again +allowed +LOST/,
  );
  t.match(text, /^ClusterIP +new +2 +1 +0 +1 +0 +0 +0 +0 +0 +1 +10\.0 +10\.0$/m);
  t.match(text, /^all +2 +1 +0 +1 /m);
  t.match(text, /^ +1 +rollout +ClusterIP +new +reset +NOT ALLOWED$/m);
  t.match(renderAccounts(account(run({ requests: [request({})] }), () => undefined)), /^no request was lost$/m);
});
