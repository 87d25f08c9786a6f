import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import t from 'tap';
import { CommandFailed } from '../../../controlplane/base/errors';
import type { Exec } from '../../../dataplane/exec/exec';
import { ScriptedExec } from '../../../test/lib/scripted-exec';
import { labels, sandboxType } from '../runtime/labels';
import type { ContainerRecord } from '../runtime/runtime';
import { PacketPath } from './packet-path';

const sandbox = (name: string, more: Partial<ContainerRecord> = {}, ips = '10.244.1.5'): ContainerRecord =>
  ({
    id: name,
    state: 'running',
    pid: 77,
    labels: {
      [labels.type]: sandboxType,
      [labels.podName]: name,
      [labels.podNamespace]: 'shop',
      [labels.podUid]: `uid-${name}`,
      [labels.podIps]: ips,
    },
    ...more,
  }) as ContainerRecord;
const records = [
  sandbox('web'),
  sandbox('gone', { state: 'exited' }),
  sandbox('host', {}, ''),
  sandbox('app', { labels: {} }),
];
const door = (exec: Exec) =>
  new PacketPath({
    program: ['node', 'k8ts.js'],
    nodeName: 'w1',
    records: { all: () => records },
    resolvConf: (uid) => `/pods/${uid}/resolv.conf`,
    hosts: (uid) => `/pods/${uid}/etc-hosts`,
    exec,
  });
const body = (text: string) => Readable.from([Buffer.from(text)]) as unknown as IncomingMessage;

t.test('the child gets the question and the facts of the node, which a caller cannot set', async (t) => {
  const exec = new ScriptedExec([{ argv: 'node k8ts.js hops', stdout: '{"answers":[]}' }]);
  t.equal(await door(exec).answer('hops', body('{"questions":[1],"pods":"mine","nodeName":"x"}')), '{"answers":[]}');
  t.same(JSON.parse(exec.calls[0]!.input), {
    questions: [1],
    nodeName: 'w1',
    pods: [
      {
        key: 'shop/web',
        pid: 77,
        addresses: ['10.244.1.5'],
        resolvConf: '/pods/uid-web/resolv.conf',
        hosts: '/pods/uid-web/etc-hosts',
      },
    ],
  });
});

t.test('bodies that are refused', async (t) => {
  const path = door(new ScriptedExec());
  for (const text of ['', '[]', 'null', '{', '"x"']) {
    await t.rejects(path.answer('hops', body(text)), { code: 'BadRequest', message: /no JSON object/ }, text);
  }
  for (const [what, bytes] of [
    ['probe', 65_536],
    ['hops', 1_048_576],
  ] as const) {
    const refused = { code: 'BadRequest', message: `a question has at most ${bytes} bytes` };
    await t.rejects(path.answer(what, body(`{"a":"${'x'.repeat(bytes)}"}`)), refused, what);
  }
});

t.test('failures of the child, and too many at once', async (t) => {
  const failing: Exec = {
    run: async (argv) => Promise.reject(new CommandFailed(argv, 1, 'k8ts hops: 1.2.3 is no address\n')),
  };
  await t.rejects(door(failing).answer('hops', body('{}')), {
    code: 'BadRequest',
    message: 'k8ts hops: 1.2.3 is no address',
  });
  const ends: (() => void)[] = [];
  const slow: Exec = { run: () => new Promise((resolve) => ends.push(() => resolve({ stdout: '{}', stderr: '' }))) };
  const path = door(slow);
  const running = Array.from({ length: 4 }, () => path.answer('hops', body('{}')));
  while (ends.length < 4) await new Promise((resolve) => setImmediate(resolve));
  await t.rejects(path.answer('hops', body('{}')), {
    code: 'Unavailable',
    message: /4 questions about packets already/,
  });
  for (const end of ends) end();
  t.same(await Promise.all(running), ['{}', '{}', '{}', '{}']);
  const after = path.answer('hops', body('{}'));
  while (ends.length < 5) await new Promise((resolve) => setImmediate(resolve));
  ends.at(-1)!();
  t.equal(await after, '{}', 'there is room again');
});
