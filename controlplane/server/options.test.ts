import { join } from 'node:path';
import t from 'tap';
import { parseOptions } from '../process/options';
import { auditOptions, readAudit } from './audit-options';
import { serverOptions } from './options';

t.test('options of admission', async (t) => {
  const read = (...argv: string[]) => parseOptions(serverOptions, argv, {}).options;
  const plain = read();
  t.equal(plain.allowServiceExternalIps, false);
  t.same([...plain.podSecurityExemptions.namespaces], ['kube-system']);
  t.equal(plain.podSecurityDefaults.enforce.level, 'privileged');
  const told = read(
    '--allow-service-external-ips',
    '--pod-security-defaults=enforce=baseline:v1.30',
    '--pod-security-exempt=username=ci',
  );
  t.equal(told.allowServiceExternalIps, true);
  t.same(told.podSecurityDefaults.enforce, { level: 'baseline', minor: 30 });
  t.same([...told.podSecurityExemptions.usernames], ['ci']);
  t.throws(
    () => read('--pod-security-defaults=enforce=strict'),
    /the level must be one of privileged, baseline, restricted/,
  );
});

t.test('options of ServiceAccount tokens', async (t) => {
  const read = (...argv: string[]) => parseOptions(serverOptions, argv, {}).options;
  const issuers = ['https://new.example.com', 'https://old.example.com'];
  t.same(
    read(`--service-account-issuer=${issuers[0]}`, '--service-account-issuer', issuers[1]!).serviceAccountIssuer,
    issuers,
  );
  t.same(read('--api-audiences=a,b').apiAudiences, ['a', 'b']);
  const refused: [string, RegExp][] = [
    ['--service-account-issuer=not a: url', /contains a ":" but is no URL/],
    ['--service-account-jwks-uri=http://x', /begins with https/],
    ['--service-account-max-token-expiration=10m', /expected 1h or more/],
  ];
  for (const [flag, message] of refused) t.throws(() => read(flag), { message }, flag);
});

t.test('options of the audit log', async (t) => {
  const dir = t.testdir({
    'good.yaml': 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n',
    'bad.yaml': 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Some}]\n',
  });
  const read = (...argv: string[]) => readAudit(parseOptions(auditOptions, argv, {}).options);
  const good = `--audit-policy-file=${join(dir, 'good.yaml')}`;
  t.equal(await read(), undefined);
  t.match(await read(good, '--audit-log-path=/tmp/audit.log', '--audit-log-maxage=2', '--audit-log-maxsize=3'), {
    log: '/tmp/audit.log',
    rotation: { maxBytes: 3 * 1024 * 1024, maxBackups: 0, maxAgeMs: 2 * 86_400_000 },
  });
  t.equal(typeof (await read(good, '--audit-log-path=-'))?.log, 'object');
  await t.rejects(read(good), { message: /needs --audit-log-path/ });
  await t.rejects(read('--audit-log-path=-'), { message: /they need it/ });
  await t.rejects(read(`--audit-policy-file=${join(dir, 'bad.yaml')}`, '--audit-log-path=-'), {
    message: /bad.yaml: rules\[0\].level: Unsupported value: "Some"/,
  });
});
