// The door for traffic with a played child.
import t from 'tap';
import { silentLogger } from '../../../controlplane/base/logger';
import type { LineProgramEvents } from '../../../dataplane/exec/line-program';
import { FakeClock } from '../../../test/lib/fake-clock';
import { Traffic } from './traffic';

interface Played {
  readonly argv: readonly string[];
  readonly events: LineProgramEvents;
  readonly lines: string[];
  ended: 'input' | 'killed' | undefined;
}

function open() {
  const clock = new FakeClock(0);
  const children: Played[] = [];
  const setting: string[] = [];
  const traffic = new Traffic({
    removeWatch: async () => void setting.push('remove the table'),
    accounting: { remember: () => void setting.push('remember'), restore: () => void setting.push('restore') },
    log: silentLogger,
    program: ['node', 'k8ts.js'],
    nodeName: 'w1',
    pods: () => [{ key: 'shop/web', pid: 7, addresses: ['10.244.1.5'] }],
    clock,
    start: (argv, events) => {
      const child: Played = { argv, events, lines: [], ended: undefined };
      children.push(child);
      return {
        send: (line) => void child.lines.push(line),
        end: () => {
          child.ended = 'input';
        },
        kill: () => {
          child.ended = 'killed';
        },
      };
    },
  });
  return { clock, children, traffic, setting };
}

t.test('the first question starts the child, which stays; who asks within a second shares an answer', async (t) => {
  const { clock, children, traffic } = open();
  const two = [traffic.answer(), traffic.answer()];
  const child = children[0]!;
  t.same(child.argv, ['node', 'k8ts.js', 'traffic']);
  t.same(
    child.lines.map((line) => JSON.parse(line)),
    [{ nodeName: 'w1', pods: [{ key: 'shop/web', pid: 7, addresses: ['10.244.1.5'] }] }],
  );
  child.events.onLine('{"collector":"a"}');
  t.same(await Promise.all(two), ['{"collector":"a"}', '{"collector":"a"}']);
  clock.advance(999);
  t.equal(await traffic.answer(), '{"collector":"a"}');
  t.equal(child.lines.length, 1);
  clock.advance(1);
  const next = traffic.answer();
  t.equal(child.lines.length, 2);
  child.events.onLine('{"collector":"b"}');
  t.equal(await next, '{"collector":"b"}');
  t.equal(children.length, 1);
});

t.test('nobody asks for 15 seconds: the child ends, and the next question starts another one', async (t) => {
  const { clock, children, traffic, setting } = open();
  const first = traffic.answer();
  children[0]!.events.onLine('{}');
  await first;
  clock.advance(14_999);
  t.equal(children[0]!.ended, undefined);
  clock.advance(1);
  t.equal(children[0]!.ended, 'input');
  const again = traffic.answer();
  t.equal(children.length, 2);
  children[0]!.events.onEnd('it ended with status 0');
  children[1]!.events.onLine('{"n":2}');
  t.equal(await again, '{"n":2}', 'the end of the old child does not disturb the new one');
  t.same(setting, ['remember'], 'two children at once: the setting is that of the first');
  children[1]!.events.onEnd('a signal ended it');
  t.same(setting, ['remember', 'restore', 'remove the table'], 'what a killed child has left is restored');
});

t.test('a child that crashes, hangs, or says nonsense', async (t) => {
  const { clock, children, traffic } = open();
  const fails = async (play: (child: Played) => void, message: RegExp) => {
    const asked = traffic.answer();
    const both = [asked, traffic.answer()];
    play(children.at(-1)!);
    for (const one of both) await t.rejects(one, { code: 'Unavailable', message });
  };
  await fails(
    ({ events }) => events.onEnd('it ended with status 1: no root'),
    /failed: it ended with status 1: no root/,
  );
  await fails(() => clock.advance(10_000), /did not answer within 10 s/);
  t.equal(children.at(-1)!.ended, 'killed');
  await fails(({ events }) => events.onLine('Segmentation fault'), /did not answer in JSON/);
  t.equal(children.at(-1)!.ended, 'killed');
  await fails(({ events }) => events.onLine('{"error":"the kernel says no"}'), /cannot be read: the kernel says no/);
  const after = traffic.answer();
  t.equal(children.length, 5, 'each of them got a new one');
  children[4]!.events.onLine('{}');
  t.equal(await after, '{}');
});

t.test('the child ends with the kubelet', async (t) => {
  const { clock, children, traffic } = open();
  const first = traffic.answer();
  children[0]!.events.onLine('{}');
  await first;
  traffic.close();
  t.equal(children[0]!.ended, 'input');
  await t.rejects(traffic.answer(), { code: 'Unavailable' });
  t.same(clock.pending(), [], 'no timer is left');
});
