import t from 'tap';
import { parseDefaults, parseExemptions } from './config';
import { exemptionWarning } from './exemption';
import { isRelaxed, maxMs, maxPods, warnOfPods } from './namespace';
import { formatLevel, type LevelVersion, modes, policyOf, privilegedPolicy } from './policy';

const label = 'pod-security.kubernetes.io/';
function read(labels: Record<string, string>, defaults = privilegedPolicy) {
  const full = Object.fromEntries(Object.entries(labels).map(([key, value]) => [label + key, value]));
  const { policy, causes } = policyOf(full, defaults);
  return {
    levels: modes.map((mode) => formatLevel(policy[mode])).join(' '),
    causes: causes.map(({ field, message }) => `${field}: ${message}`),
  };
}

t.test('the labels of a namespace', async (t) => {
  const none = 'privileged:latest';
  const cases: Array<{ name: string; labels: Record<string, string>; levels: string; causes?: string[] }> = [
    { name: 'none', labels: {}, levels: `${none} ${none} ${none}` },
    {
      name: 'level enforce also sets the warning level',
      labels: { enforce: 'baseline', 'enforce-version': 'v1.30' },
      levels: `baseline:v1.30 ${none} baseline:v1.30`,
    },
    {
      name: 'a given warn level is kept',
      labels: { enforce: 'baseline', warn: 'privileged', audit: 'restricted' },
      levels: `baseline:latest restricted:latest ${none}`,
    },
    {
      name: 'a given warn version is kept',
      labels: { enforce: 'restricted', 'warn-version': 'v1.0' },
      levels: `restricted:latest ${none} restricted:v1.0`,
    },
    {
      name: 'wrong levels and versions',
      labels: { enforce: 'nonsense', audit: 'Baseline', warn: '', 'warn-version': 'v1.01', 'enforce-version': '1.2' },
      levels: `restricted:latest ${none} ${none}`,
      causes: [
        'metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "nonsense": must be one of privileged, baseline, restricted',
        'metadata.labels[pod-security.kubernetes.io/enforce-version]: Invalid value: "1.2": must be "latest" or "v1.x"',
        'metadata.labels[pod-security.kubernetes.io/audit]: Invalid value: "Baseline": must be one of privileged, baseline, restricted',
        'metadata.labels[pod-security.kubernetes.io/warn]: Invalid value: "": must be one of privileged, baseline, restricted',
        'metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "v1.01": must be "latest" or "v1.x"',
      ],
    },
  ];
  for (const { name, labels, levels, causes = [] } of cases) t.same(read(labels), { levels, causes }, name);
  const defaults = parseDefaults('enforce=baseline,warn=restricted:v1.30');
  t.equal(read({}, defaults).levels, `baseline:latest ${none} restricted:v1.30`);
  t.equal(read({ enforce: 'privileged' }, defaults).levels, `${none} ${none} restricted:v1.30`);
});

t.test('options', async (t) => {
  for (const wrong of ['deny=baseline', 'enforce=strict', 'enforce', 'enforce=baseline:2'])
    t.throws(() => parseDefaults(wrong), { code: 'BadRequest' }, wrong);
  const { namespaces, usernames, runtimeClasses } = parseExemptions(
    'namespace=a, username=system:serviceaccount:b:c,runtimeclass=d,username=x=y',
  );
  t.same([[...namespaces], [...usernames], [...runtimeClasses]], [['a'], ['system:serviceaccount:b:c', 'x=y'], ['d']]);
  for (const wrong of ['a', 'namespace=', 'group=x', '=x'])
    t.throws(() => parseExemptions(wrong), { code: 'BadRequest' }, wrong);
});

t.test('an exempt namespace warns that its labels have no effect', async (t) => {
  const labels = { [`${label}enforce`]: 'restricted', [`${label}warn`]: 'privileged' };
  const { policy } = policyOf(labels, privilegedPolicy);
  t.equal(
    exemptionWarning('n', labels, policy, privilegedPolicy),
    'namespace "n" is exempt from Pod Security, and the policy (enforce=restricted:latest) will be ignored',
  );
  t.equal(exemptionWarning('n', {}, privilegedPolicy, privilegedPolicy), undefined);
  t.equal(
    exemptionWarning('n', labels, policy, policy),
    undefined,
    "labels equal to the cluster's policy cause no warning",
  );
});

const level = (level: LevelVersion['level'], minor: LevelVersion['minor'] = 'latest'): LevelVersion => ({
  level,
  minor,
});

t.test('whether a policy gets stricter', async (t) => {
  t.equal(isRelaxed(level('baseline'), level('restricted')), true);
  t.equal(isRelaxed(level('baseline'), level('baseline')), true);
  t.equal(isRelaxed(level('privileged', 1), level('restricted', 2)), true);
  t.equal(isRelaxed(level('restricted'), level('baseline')), false);
  t.equal(
    isRelaxed(level('baseline', 30), level('restricted')),
    false,
    'another version may forbid what the old version allowed',
  );
});

t.test('warnings about existing pods at a stricter level', async (t) => {
  const pod = (name: string, spec: object, owner?: string) => ({
    metadata: { name, ...(owner ? { ownerReferences: [{ uid: owner, controller: true }] } : {}) },
    spec: { containers: [{ name: 'c' }], ...spec },
  });
  const warn = (pods: object[], now = () => 0) => warnOfPods('n', level('baseline'), pods as never, now);
  t.same(warn([pod('a', {})]), []);
  t.same(
    warn([pod('c', { hostPID: true }), pod('a', { hostIPC: true }), pod('b', { hostPID: true, hostUsers: true })]),
    [
      'existing pods in namespace "n" violate the new PodSecurity enforce level "baseline:latest"',
      'a (and 2 other pods): host namespaces',
    ],
  );
  const replicas = Array.from({ length: maxPods + 5 }, (_, i) => pod(`r${i}`, {}, 'owner'));
  t.same(warn([...replicas, pod('last', { hostPID: true })]), [
    `new PodSecurity enforce level only checked against the first ${maxPods} of ${maxPods + 6} existing pods`,
    'existing pods in namespace "n" violate the new PodSecurity enforce level "baseline:latest"',
    'last: host namespaces',
  ]);
  let time = 0;
  const slow = () => (time += maxMs / 2);
  t.same(warn([pod('a', {}), pod('b', {}), pod('c', { hostPID: true }), pod('d', {})], slow), [
    'new PodSecurity enforce level only checked against the first 3 of 4 existing pods',
    'existing pods in namespace "n" violate the new PodSecurity enforce level "baseline:latest"',
    'c: host namespaces',
  ]);
});
