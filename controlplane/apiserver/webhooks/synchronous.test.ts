// The cost of webhooks for other writes: no rule concerns them, or both answer without a promise.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';
import { type ConfigMap, configMaps, secrets } from '../../api/index';
import type { Kind } from '../../api/kind';
import { writeOrder } from '../write/order';
import type { Write, WriteRule } from '../write/rule';

t.test('a write that no webhook selects does not wait', async (t) => {
  const rules: WriteRule[] = [];
  const server = await startApiServer({
    rules: writeOrder.map((open) => async (given) => {
      const rule = await open(given);
      if (rule?.name.endsWith('Webhook')) rules.push(rule);
      return rule;
    }),
  });
  t.teardown(() => server.close());
  t.equal(rules.length, 2);
  const write = (kind: Kind, labels: Record<string, string> = {}): Write => ({
    operation: 'create',
    kind,
    namespace: 'default',
    name: 'a',
    subresource: '',
    object: { kind: kind.kind, apiVersion: 'v1', metadata: { name: 'a', labels } } as ConfigMap,
    context: { subresource: '' },
    user: { name: 'u', groups: [] },
    dryRun: false,
    warnings: [],
  });
  const concerned = (one: Write) => rules.map((rule) => rule.concerns(one));
  t.strictSame(concerned(write(configMaps)), [false, false], 'without configurations');
  for (const which of ['mutating', 'validating']) {
    const webhook = {
      name: 'a.example.com',
      rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
      objectSelector: { matchLabels: { call: 'yes' } },
      clientConfig: { url: 'https://127.0.0.1:1/' },
      failurePolicy: 'Ignore',
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
    };
    const path = `/apis/admissionregistration.k8s.io/v1/${which}webhookconfigurations`;
    await server.call('POST', path, { body: { metadata: { name: 'c' }, webhooks: [webhook] } });
  }
  t.strictSame(concerned(write(secrets)), [false, false], 'another kind');
  t.strictSame(concerned({ ...write(configMaps), operation: 'update' }), [false, false], 'another operation');
  t.strictSame(concerned(write(configMaps)), [true, true]);
  const answers = (one: Write) => rules.map((rule) => rule.mutate?.(one, false) ?? rule.validate?.(one));
  t.strictSame(answers(write(configMaps)), [undefined, undefined], 'the selectors exclude it');
  const waiting = answers(write(configMaps, { call: 'yes' }));
  t.ok(waiting.every((answer) => answer instanceof Promise));
  await Promise.all(waiting);
});
