// The cost of policies for other writes: the rule concerns only kinds, operations and subresources that a bound policy names, and never
// waits.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';
import { type ConfigMap, configMaps, secrets } from '../../api/index';
import type { Kind } from '../../api/kind';
import { writeOrder } from '../write/order';
import type { Write, WriteRule } from '../write/rule';

const group = '/apis/admissionregistration.k8s.io/v1';

t.test('a write that no policy concerns does not reach the rule', async (t) => {
  const rules: WriteRule[] = [];
  const server = await startApiServer({
    rules: writeOrder.map((open) => async (given) => {
      const rule = await open(given);
      if (rule?.name.endsWith('AdmissionPolicy')) rules.push(rule);
      return rule;
    }),
  });
  t.teardown(() => server.close());
  const write = (kind: Kind): Write => ({
    operation: 'create',
    kind,
    namespace: 'default',
    name: 'a',
    subresource: '',
    object: { kind: kind.kind, apiVersion: 'v1', metadata: { name: 'a' } } as ConfigMap,
    context: { subresource: '' },
    user: { name: 'u', groups: [] },
    dryRun: false,
    warnings: [],
  });
  const concerned = (one: Write) => rules.map((rule) => rule.concerns(one));
  const no = rules.map(() => false);
  t.strictSame(concerned(write(configMaps)), no, 'without policies');
  const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] };
  const matchConstraints = { resourceRules: [rule] };
  const mutations = [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{}' } }];
  const specs = {
    validating: { matchConstraints, validations: [{ expression: 'true' }] },
    mutating: { matchConstraints, mutations, reinvocationPolicy: 'Never' },
  };
  for (const [which, spec] of Object.entries(specs)) {
    const path = `${group}/${which}admissionpolicies`;
    t.equal((await server.call('POST', path, { body: { metadata: { name: 'p' }, spec } })).status, 201);
  }
  t.strictSame(concerned(write(configMaps)), no, 'a policy without a binding');
  for (const which of Object.keys(specs)) {
    const spec = { policyName: 'p', ...(which === 'validating' && { validationActions: ['Deny'] }) };
    const path = `${group}/${which}admissionpolicybindings`;
    t.equal((await server.call('POST', path, { body: { metadata: { name: 'b' }, spec } })).status, 201);
  }
  t.strictSame(concerned(write(secrets)), no, 'another kind');
  t.strictSame(concerned({ ...write(configMaps), operation: 'update' }), no, 'another operation');
  t.strictSame(concerned({ ...write(configMaps), subresource: 'status' }), no, 'a subresource');
  const concernedWrite = write(configMaps);
  t.strictSame(
    concerned(concernedWrite),
    no.map(() => true),
  );
  // A rule gives way to other requests when its turn has been long, as on a machine that does other work: not each time.
  const alwaysWaits = (call: () => unknown) => Array.from({ length: 20 }, call).every((result) => result !== undefined);
  for (const one of rules) {
    t.notOk(
      alwaysWaits(() => one.mutate?.(concernedWrite, false)),
      `${one.name} does not wait`,
    );
    t.notOk(
      alwaysWaits(() => one.validate?.(concernedWrite)),
      `${one.name} does not wait`,
    );
  }
});
