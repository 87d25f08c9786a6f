// Each rule is measured once for each phase that it has, whether it returns, waits or refuses; and it does what it did before.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';
import { configMaps } from '../../api/index';
import { AdmissionMetrics } from './admission-metrics';
import type { Write, WriteRule } from './rule';

const write: Write = {
  operation: 'create',
  kind: configMaps,
  namespace: 'a',
  name: 'b',
  subresource: '',
  user: { name: 'u', groups: [] },
  dryRun: false,
  warnings: [],
};
const counts = (metrics: AdmissionMetrics) =>
  metrics
    .render()
    .filter((line) => line.includes('_count{'))
    .map((line) => line.slice(line.indexOf('{')));

t.test('a rule that returns, waits, refuses', async (t) => {
  const metrics = new AdmissionMetrics();
  class Rule implements WriteRule {
    readonly name = 'R';
    private readonly answer = 'again';
    concerns({ operation }: Write) {
      return operation === 'create';
    }
    async mutate(): Promise<'again' | undefined> {
      return this.answer;
    }
    validate({ name }: Write) {
      if (name === 'bad') throw new Error('no');
    }
    reserve() {
      return { undo: () => undefined };
    }
  }
  const rule = metrics.timed(new Rule());
  t.equal(rule.name, 'R');
  t.equal(rule.concerns(write), true);
  t.equal(rule.concerns({ ...write, operation: 'update' }), false);
  t.equal(await rule.mutate!(write, false), 'again', 'the object of the rule is kept');
  t.equal(rule.validate!(write), undefined);
  t.throws(() => rule.validate!({ ...write, name: 'bad' }), /no/);
  t.ok(rule.reserve);
  t.notOk(rule.prepare, 'no phase is added');
  t.same(counts(metrics), [
    '{name="R",operation="CREATE",rejected="false",type="admit"} 1',
    '{name="R",operation="CREATE",rejected="false",type="validate"} 1',
    '{name="R",operation="CREATE",rejected="true",type="validate"} 1',
  ]);
  const refusing: WriteRule = {
    name: 'S',
    concerns: () => true,
    mutate: (): Promise<void> => Promise.reject(new Error('later')),
  };
  await t.rejects(Promise.resolve(metrics.timed(refusing).mutate!(write, false)), /later/);
  t.match(counts(metrics).at(-1), /name="S",operation="CREATE",rejected="true",type="admit"\} 1/);
  const own: WriteRule = { name: 'Strategy', concerns: () => true };
  t.equal(metrics.timed(own), own);
});

t.test('a phase, and calls of webhooks', async (t) => {
  const metrics = new AdmissionMetrics();
  const phase = metrics.timedPhase('admit', ({ name }: Write) => {
    if (name === 'bad') throw new Error('no');
  });
  phase(write);
  t.throws(() => phase({ ...write, name: 'bad' }), /no/);
  const step = 'apiserver_admission_step_admission_duration_seconds_count';
  const call = { name: 'a.example.com', operation: 'create', seconds: 3 } as const;
  metrics.called({ ...call, mutating: true, code: 200, outcome: 'allowed' });
  metrics.called({ ...call, mutating: false, code: 700, outcome: 'denied' });
  metrics.called({ ...call, mutating: false, code: 500, outcome: 'failed' });
  metrics.called({ ...call, mutating: true, code: 500, outcome: 'failed, ignored' });
  const lines = metrics.render().filter((line) => !line.startsWith('#') && !line.includes('_bucket{'));
  const webhook = 'apiserver_admission_webhook';
  const admit = 'name="a.example.com",type="admit"';
  const validating = 'name="a.example.com",type="validating"';
  for (const line of [
    `${step}{operation="CREATE",rejected="false",type="admit"} 1`,
    `${step}{operation="CREATE",rejected="true",type="admit"} 1`,
    `${webhook}_admission_duration_seconds_sum{${admit},operation="CREATE",rejected="false"} 6`,
    `${webhook}_admission_duration_seconds_count{${validating},operation="CREATE",rejected="true"} 2`,
    `${webhook}_request_total{${admit},operation="CREATE",code="200",rejected="false"} 1`,
    `${webhook}_request_total{${validating},operation="CREATE",code="600",rejected="true"} 1`,
    `${webhook}_rejection_count{${validating},operation="CREATE",error_type="no_error",rejection_code="600"} 1`,
    `${webhook}_rejection_count{${validating},operation="CREATE",error_type="calling_webhook_error",rejection_code="500"} 1`,
    `${webhook}_fail_open_count{${admit}} 1`,
  ]) {
    t.ok(lines.includes(line), line);
  }
});

t.test('over HTTPS, only rules that concern the write', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  await server.call('POST', '/api/v1/namespaces/default/configmaps', { body: { metadata: { name: 'a' } } });
  await server.call('POST', '/api/v1/namespaces/none/configmaps', { body: { metadata: { name: 'a' } } });
  const { text } = await server.call('GET', '/metrics');
  const of = (name: string, rejected: boolean) =>
    text.includes(
      `apiserver_admission_controller_admission_duration_seconds_count{name="${name}",operation="CREATE",rejected="${rejected}",type="admit"}`,
    );
  t.equal(of('NamespaceLifecycle', false), true);
  t.equal(of('NamespaceLifecycle', true), true, 'the namespace does not exist');
  t.equal(of('DefaultStorageClass', false), false, 'no claim was created');
});
