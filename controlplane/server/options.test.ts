import t from 'tap';
import { parseOptions } from '../process/options';
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
