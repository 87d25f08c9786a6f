import t from 'tap';
import { type DockerFacts, mergeDaemonJson, noDockerChanges, unmergeDaemonJson } from './docker-config';

const desired = { registry: '192.168.56.10:5000' };
const facts = (daemonJson: object | undefined, flags: string[] = []): DockerFacts => ({
  daemonJson: daemonJson && JSON.stringify(daemonJson),
  flags,
});
const ours = {
  'live-restore': true,
  'registry-mirrors': ['http://192.168.56.10:5000'],
  'insecure-registries': ['192.168.56.10:5000'],
};

t.test('settings of the user stay, and remain alone after the removal', async (t) => {
  const cases: { name: string; file: object | undefined; merged: object; after: object | undefined }[] = [
    { name: 'no file', file: undefined, merged: ours, after: undefined },
    { name: 'an empty object', file: {}, merged: ours, after: {} },
    {
      name: 'settings of the user',
      file: { 'data-root': '/srv/docker', 'log-opts': { 'max-size': '1m' }, iptables: true },
      merged: { 'data-root': '/srv/docker', 'log-opts': { 'max-size': '1m' }, iptables: true, ...ours },
      after: { 'data-root': '/srv/docker', 'log-opts': { 'max-size': '1m' }, iptables: true },
    },
    {
      name: 'lists of the user',
      file: { 'registry-mirrors': ['https://mirror.example'], 'insecure-registries': ['10.0.0.1:5000'] },
      merged: {
        'registry-mirrors': ['https://mirror.example', 'http://192.168.56.10:5000'],
        'insecure-registries': ['10.0.0.1:5000', '192.168.56.10:5000'],
        'live-restore': true,
      },
      after: { 'registry-mirrors': ['https://mirror.example'], 'insecure-registries': ['10.0.0.1:5000'] },
    },
    {
      name: 'the user has set the same',
      file: { 'live-restore': true },
      merged: ours,
      after: { 'live-restore': true },
    },
    { name: 'all of it is there', file: ours, merged: ours, after: ours },
  ];
  for (const { name, file, merged, after } of cases) {
    const { text, changes } = mergeDaemonJson(facts(file), desired, undefined);
    t.same(JSON.parse(text), merged, name);
    const again = mergeDaemonJson({ daemonJson: text, flags: [] }, desired, changes);
    t.same(again, { text, changes }, `${name}: a second run changes nothing`);
    const left = unmergeDaemonJson(text, changes);
    t.same(left && JSON.parse(left), after, `${name}: taken out again`);
    t.equal(left, file && JSON.stringify(file), `${name}: byte for byte`);
  }
});

t.test('a file with all settings stays unchanged, byte for byte', async (t) => {
  const text = JSON.stringify(ours, null, 7);
  t.equal(mergeDaemonJson({ daemonJson: text, flags: [] }, desired, undefined).text, text);
});

t.test('another registry replaces the entry of k8ts, and no other entry', async (t) => {
  const first = mergeDaemonJson(facts({ 'registry-mirrors': ['https://mirror.example'] }), desired, undefined);
  const second = mergeDaemonJson({ daemonJson: first.text, flags: [] }, { registry: '10.1.1.1:5000' }, first.changes);
  t.same(JSON.parse(second.text)['registry-mirrors'], ['https://mirror.example', 'http://10.1.1.1:5000']);
  const none = mergeDaemonJson({ daemonJson: second.text, flags: [] }, { registry: '' }, second.changes);
  t.same(JSON.parse(none.text), { 'registry-mirrors': ['https://mirror.example'], 'live-restore': true });
});

t.test('a setting that the user changed since then belongs to the user', async (t) => {
  const { changes } = mergeDaemonJson(facts(undefined), desired, undefined);
  const edited = {
    'live-restore': false,
    debug: true,
    'registry-mirrors': ['http://192.168.56.10:5000', 'https://x.example'],
  };
  t.same(JSON.parse(unmergeDaemonJson(JSON.stringify(edited), changes)!), {
    'live-restore': false,
    debug: true,
    'registry-mirrors': ['https://x.example'],
  });
  t.equal(JSON.parse(unmergeDaemonJson('{"a":1}', noDockerChanges)!).a, 1);
});

t.test('settings that exclude k8ts are refused with the reason', async (t) => {
  const cases: { file: object; flags?: string[]; message: RegExp }[] = [
    { file: { 'live-restore': false }, message: /live-restore to false: a restart of Docker would stop every pod/ },
    {
      file: { 'userns-remap': 'default' },
      message: /userns-remap to "default": containers would run in user namespaces/,
    },
    { file: { hosts: ['tcp://0.0.0.0:2375'] }, message: /hosts to .*docker\.sock, which is not among them/ },
    { file: { 'registry-mirrors': 'http://x' }, message: /registry-mirrors is not a list/ },
    {
      file: {},
      flags: ['--registry-mirror'],
      message: /dockerd is started with --registry-mirror, and does not start/,
    },
  ];
  for (const { file, flags, message } of cases) {
    t.throws(
      () => mergeDaemonJson(facts(file, flags), desired, undefined),
      { code: 'BadRequest', message },
      String(message),
    );
  }
  t.throws(() => mergeDaemonJson({ daemonJson: '{', flags: [] }, desired, undefined), /is not JSON/);
  t.throws(() => mergeDaemonJson({ daemonJson: '[]', flags: [] }, desired, undefined), /is not a JSON object/);
});

t.test('a flag of dockerd with the same value replaces a setting', async (t) => {
  const { text } = mergeDaemonJson(facts(undefined, ['--live-restore']), desired, undefined);
  t.equal(JSON.parse(text)['live-restore'], undefined);
  t.doesNotThrow(() => mergeDaemonJson(facts({ hosts: ['fd://', 'tcp://127.0.0.1:2375'] }), desired, undefined));
});
