// Admission of requests by stored FlowSchemas and levels, without a server; and the bounds that count when it is off.
import t, { type Test } from 'tap';
import { FakeClock } from '../../../test/lib/fake-clock';
import {
  configMaps,
  type FlowSchema,
  flowSchemas,
  type PriorityLevelConfiguration,
  pods,
  priorityLevelConfigurations,
} from '../../api/index';
import { openStore } from '../../store/open';
import { openCache } from '../cache/open';
import type { ApiRequest } from '../request';
import type { ResourceRoute } from '../route';
import { FlowControl, longestWaitMs } from './flow-control';
import type { Admission, RequestLimits } from './limits';
import { MaxInFlight } from './max-in-flight';

const groups = ['system:authenticated'];
const request = (name: string, rest: Partial<ApiRequest> = {}): ApiRequest => ({
  method: 'POST',
  path: '/',
  search: '',
  headers: {},
  user: { name, groups },
  body: async () => Buffer.alloc(0),
  ...rest,
});
const route = (verb: ResourceRoute['verb'] = 'create', subresource = '', namespace = 'a'): ResourceRoute => ({
  kind: subresource === '' ? configMaps : pods,
  verb,
  namespace,
  name: '',
  subresource,
  rest: '',
});
const level = (name: string, shares: number, queueLengthLimit = 2): PriorityLevelConfiguration => ({
  metadata: { name, uid: `uid-${name}` },
  spec: {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares: shares,
      limitResponse: { type: 'Queue', queuing: { queues: 64, handSize: 1, queueLengthLimit } },
    },
  },
});
const schema = (name: string, to: string, users: readonly string[], by?: string): FlowSchema => ({
  metadata: { name, uid: `uid-${name}` },
  spec: {
    priorityLevelConfiguration: { name: to },
    matchingPrecedence: 500,
    ...(by ? { distinguisherMethod: { type: by } } : {}),
    rules: [
      {
        subjects: users.map((user) => ({ kind: 'User', user: { name: user } })),
        resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] }],
      },
    ],
  },
});

async function open(t: Test, objects: readonly (FlowSchema | PriorityLevelConfiguration)[], seats = 12) {
  const store = await openStore({ kind: 'memory' });
  const cache = await openCache(store, [flowSchemas, priorityLevelConfigurations]);
  const stop = new AbortController();
  t.teardown(async () => {
    stop.abort();
    await cache.close();
    await store.close();
  });
  const add = (object: FlowSchema | PriorityLevelConfiguration) =>
    'rules' in (object.spec ?? {})
      ? cache.kind(flowSchemas).create(object as FlowSchema)
      : cache.kind(priorityLevelConfigurations).create(object as PriorityLevelConfiguration);
  for (const object of objects) await add(object);
  const clock = new FakeClock();
  const control = new FlowControl(seats, clock);
  await control.follow(cache, stop.signal);
  return { control, clock, add, cache };
}
/** `runs`, `waits`, or the reason of the refusal. */
async function outcome(admission: Admission): Promise<string> {
  if (!admission.wait) return 'runs';
  return Promise.race([
    admission.wait.then(
      () => 'runs',
      ({ reason }: { reason: string }) => reason,
    ),
    new Promise<string>((resolve) => setImmediate(() => resolve('waits'))),
  ]);
}
const admitAll = (limits: RequestLimits, users: readonly string[]) =>
  users.map((user) => limits.admit(request(user), route()));

t.test('a request runs, waits, or is refused; and a seat that is given back is used again', async (t) => {
  // One share of four for the level that is tested: the mandatory level catch-all has five by itself.
  const { control } = await open(t, [level('small', 1), schema('s', 'small', ['ann'])]);
  const all = admitAll(control, new Array<string>(5).fill('ann'));
  t.same(await Promise.all(all.map(outcome)), ['runs', 'runs', 'waits', 'waits', 'queue-full']);
  t.equal(all[0]!.headers?.['x-kubernetes-pf-flowschema-uid'], 'uid-s');
  t.equal(all[4]!.headers?.['x-kubernetes-pf-prioritylevel-uid'], 'uid-small');
  all[0]!.done?.();
  t.same(await Promise.all(all.slice(2, 4).map(outcome)), ['runs', 'waits']);
  all[1]!.done?.();
  all[2]!.done?.();
  t.equal(await outcome(all[3]!), 'runs');
  const lines = control.render();
  t.ok(lines.includes('apiserver_flowcontrol_dispatched_requests_total{flow_schema="s",priority_level="small"} 4'));
  t.ok(
    lines.includes(
      'apiserver_flowcontrol_rejected_requests_total{flow_schema="s",priority_level="small",reason="queue-full"} 1',
    ),
  );
  t.ok(lines.includes('apiserver_flowcontrol_current_executing_requests{flow_schema="s",priority_level="small"} 1'));
  t.ok(lines.includes('apiserver_flowcontrol_nominal_limit_seats{priority_level="small"} 2'));
  const place = 'flow_schema="s",priority_level="small"';
  const waits = 'apiserver_flowcontrol_request_wait_duration_seconds_count';
  t.ok(lines.includes(`${waits}{execute="true",${place}} 4`));
  t.ok(lines.includes(`${waits}{execute="false",${place}} 1`));
  t.ok(lines.includes(`apiserver_flowcontrol_request_execution_seconds_count{${place},type="regular"} 3`));
});

t.test('a flood of one user leaves another user its turn', async (t) => {
  const { control } = await open(t, [level('small', 1, 50), schema('s', 'small', ['ann', 'bob'], 'ByUser')]);
  const flood = admitAll(control, new Array<string>(40).fill('ann'));
  const [bob] = admitAll(control, ['bob']) as [Admission];
  t.equal(await outcome(bob), 'waits');
  flood[0]!.done?.();
  flood[1]!.done?.();
  t.equal(await outcome(bob), 'runs', 'the second seat, though forty came before');
});

t.test('no request waits longer than a bound, and a client that left is skipped', async (t) => {
  const { control, clock } = await open(t, [level('small', 1), schema('s', 'small', ['ann'])]);
  const [first] = admitAll(control, ['ann', 'ann']) as [Admission];
  const late = control.admit(request('ann'), route());
  clock.advance(longestWaitMs - 1);
  t.equal(await outcome(late), 'waits');
  clock.advance(1);
  t.equal(await outcome(late), 'time-out');
  const gone = control.admit(request('ann', { isGone: () => true }), route());
  const next = control.admit(request('ann'), route());
  first.done?.();
  t.same(await Promise.all([gone, next].map(outcome)), ['cancelled', 'runs']);
  t.same(clock.pending(), [], 'no timer is left');
});

t.test('what needs no seat', async (t) => {
  const { control } = await open(t, [level('small', 1), schema('s', 'small', ['ann'])]);
  admitAll(control, ['ann', 'ann']);
  t.equal(await outcome(control.admit(request('ann'), route('create', 'exec'))), 'runs');
  t.equal(await outcome(control.admit(request('ann'), route('watch'))), 'waits', 'the start of a watch needs one');
  const master = request('root', { user: { name: 'root', groups: ['system:masters'] } });
  const admissions = Array.from({ length: 100 }, () => control.admit(master, route()));
  t.ok(admissions.every(({ wait, done }) => !wait && !done));
});

t.test('changes of the objects count at once', async (t) => {
  const { control, add, cache } = await open(t, [schema('s', 'later', ['ann'])], 60);
  const uid = () => control.admit(request('ann'), route()).headers?.['x-kubernetes-pf-prioritylevel-uid'];
  t.equal(
    control.admit(request('ann'), route()).headers?.['x-kubernetes-pf-flowschema-uid'],
    '',
    'no such level: catch-all',
  );
  await add(level('later', 5));
  t.equal(uid(), 'uid-later');
  const waiting = Array.from({ length: 60 }, () => control.admit(request('ann'), route()));
  await cache.kind(priorityLevelConfigurations).delete('later');
  t.equal(uid(), '');
  for (const one of waiting.filter(({ wait }) => !wait)) one.done?.();
  const left = await Promise.all(waiting.map(outcome));
  t.notOk(left.includes('waits'), 'requests of a level that was deleted end as they began');
});

const refused = { message: 'Too many requests, please try again later.' };

t.test('without priority and fairness', async (t) => {
  const limits = new MaxInFlight({ reads: 1, writes: 2 });
  const read = limits.admit(request('ann', { method: 'GET' }), undefined);
  const writes = [limits.admit(request('ann'), route()), limits.admit(request('ann'), route('deletecollection'))];
  t.throws(() => limits.admit(request('ann'), route()), refused);
  t.throws(() => limits.admit(request('ann'), route('list')), refused);
  t.same(limits.admit(request('ann'), route('watch')), {}, 'a watch is not counted');
  t.same(limits.admit(request('r', { user: { name: 'r', groups: ['system:masters'] } }), route()), {});
  read.done?.();
  writes[0]!.done?.();
  t.ok(limits.admit(request('ann'), route('get')).done);
  t.ok(limits.admit(request('ann'), route()).done);
  t.ok(limits.render().includes('apiserver_dropped_requests_total{request_kind="mutating"} 1'));
  const open = new MaxInFlight({ reads: 0, writes: 0 });
  t.same(open.admit(request('ann'), route()), {}, '0 is no bound');
});
