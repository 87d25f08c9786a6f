// Faults of a node as a table: a way is healthy; one thing is broken; the answer names it; it is mended, and the next case finds its way
// healthy again.
import t, { type Test } from 'tap';
import type { HopAnswer, HopQuestion } from '../../controlplane/base/hops';
import { probe } from '../../dataplane/probe/probe';
import { type HopsLab, type HopsPlace, openHopsLab, type Way, ways } from './hops-lab';
import { skipWithoutKernel } from './netns';
import { withScope } from './pod-lab';

export interface Case {
  readonly name: string;
  readonly way: Way | HopQuestion;
  /** Broken, then mended: one line for each, words between blanks. */
  readonly breaks: readonly (readonly [HopsPlace, now: string, after: string])[];
  /** Done before the way is asked for the first time. */
  readonly given?: Case['breaks'];
  readonly code: string;
  readonly says?: RegExp;
  readonly remedy?: RegExp;
  readonly state?: 'stops' | 'doubtful';
}

export const sysctl = (name: string, value: number, before: number, place: HopsPlace = 'node') =>
  [place, `sysctl -qw ${name}=${value}`, `sysctl -qw ${name}=${before}`] as const;
export const added = (program: string, rule: string, place: HopsPlace = 'node') =>
  [place, `${program} -A ${rule}`, `${program} -D ${rule}`] as const;
export const ip = (place: HopsPlace, what: string, after: string) => [place, `ip ${what}`, `ip ${after}`] as const;
export const route = (spec: string) => ip('node', `route add ${spec}`, `route del ${spec}`);
export const rule = (spec: string) => ip('node', `rule add ${spec}`, `rule del ${spec}`);

export const wrong = ({ hops }: HopAnswer) => hops.filter(({ state }) => state !== 'passes');

const slowMs = 5_000;
/** For connections that get no answer. */
const silentMs = 250;

/** The kernel's own word on the question. */
export async function connects({ at }: HopsLab, { from, packet }: HopQuestion, timeoutMs: number): Promise<boolean> {
  const sender =
    from.kind === 'pod'
      ? at[from.pod === 'shop/a' ? 'a' : 'b']
      : from.kind === 'node'
        ? at.node
        : from.tunnel
          ? at.far
          : at.near;
  const { source, destination: address, destinationPort: port } = packet;
  const sourceAddress = source === '' ? {} : { sourceAddress: source };
  const { outcome } = await probe(sender, { protocol: 'tcp', address, port: port!, timeoutMs, ...sourceAddress });
  return outcome === 'connected';
}

async function breakOne(t: Test, lab: HopsLab, { way, breaks, given = [], code, state, says, remedy }: Case) {
  const question: HopQuestion = typeof way === 'string' ? ways[way] : way;
  await withScope(async (scope) => {
    const apply = async (steps: Case['breaks']) => {
      for (const [place, now, after] of steps) {
        await lab.run(place, now);
        scope.defer(() => lab.run(place, after));
      }
    };
    await apply(given);
    // What was asked in vain during the case before.
    for (const pod of ['a', 'b'] as const) await lab.run(pod, 'ip neighbour flush all');
    t.strictSame(wrong(await lab.ask(question)), [], 'healthy before');
    t.ok(await connects(lab, question, slowMs), 'a connection before');
    await apply(breaks);
    const broken = await lab.ask(question);
    const [found, ...more] = wrong(broken);
    t.match(found?.fault?.code, code, JSON.stringify(broken.hops.at(-1)));
    t.equal(found?.state, state ?? 'stops');
    t.strictSame(more, [], 'nothing else is wrong');
    if (found?.state === 'stops') {
      t.strictSame(broken.end, { kind: 'stopped' });
      t.notOk(await connects(lab, question, silentMs), 'no connection');
    }
    if (says) t.match(found?.fault?.message, says);
    if (remedy) t.match(found?.fault?.remedy, remedy);
  });
}

/** Each case in one lab, in turn. `more`: what no line of a table can break. */
export function testCases(name: string, cases: readonly Case[], more?: (t: Test, lab: HopsLab) => Promise<void>): void {
  // The test starts many short processes, which are slow on a busy machine.
  t.setTimeout(300_000);
  t.test(name, { skip: skipWithoutKernel() }, async (t) => {
    await withScope(async (scope) => {
      const lab = await openHopsLab(scope);
      for (const each of cases) await t.test(each.name, (t) => breakOne(t, lab, each));
      await more?.(t, lab);
    });
  });
}
