// Network namespaces for kernel tests, with unique names; the test removes them at its end.
import { randomBytes } from 'node:crypto';
import { Scope } from '../../controlplane/base/scope';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { ensureNamedNetns, inNetns, removeNamedNetns } from '../../dataplane/netns/named';
import type { Netns } from '../../dataplane/netns/netns';

const exec = new SystemExec();
let counter = 0;

/** Whether this process may create namespaces. With REQUIRE_KERNEL=1 a missing right is an error, not a skip. */
export function canUseKernel(): boolean {
  const root = process.getuid?.() === 0;
  if (!root && process.env['REQUIRE_KERNEL'] === '1') throw new Error('kernel tests need root');
  return root;
}

/** The reason to skip, for tap's `skip` option, or false. */
export const skipWithoutKernel = (): string | false => (canUseKernel() ? false : 'needs root');

export interface TestNetns extends Netns {
  readonly name: string;
  /** Runs argv inside and returns standard output. @throws CommandFailed */
  run(...argv: string[]): Promise<string>;
}

/** One namespace with loopback up; `teardown` removes it. */
export async function createNetns(): Promise<TestNetns & { teardown(): Promise<void> }> {
  const name = `k8ts-t-${process.pid}-${counter++}-${randomBytes(2).toString('hex')}`;
  const netns = await ensureNamedNetns(exec, name);
  return {
    name,
    path: netns.path,
    enter: (fn) => netns.enter(fn),
    run: async (...argv) => (await exec.run(inNetns(netns, argv), { timeoutMs: 30_000 })).stdout,
    teardown: () => removeNamedNetns(exec, name),
  };
}

/** Runs `fn` with `count` new namespaces; always removes them at the end. */
export async function withNetns<T>(count: number, fn: (...namespaces: TestNetns[]) => Promise<T>): Promise<T> {
  const scope = new Scope();
  try {
    const namespaces: TestNetns[] = [];
    for (let i = 0; i < count; i++) {
      const netns = await createNetns();
      scope.defer(() => netns.teardown());
      namespaces.push(netns);
    }
    return await fn(...namespaces);
  } finally {
    await scope.close();
  }
}

/** A veth pair between two namespaces, both ends up, with addresses in CIDR form. */
export async function connect(
  a: { readonly netns: TestNetns; readonly link: string; readonly address?: string },
  b: { readonly netns: TestNetns; readonly link: string; readonly address?: string },
): Promise<void> {
  await exec.run([
    'ip',
    '-n',
    a.netns.name,
    'link',
    'add',
    a.link,
    'type',
    'veth',
    'peer',
    'name',
    b.link,
    'netns',
    b.netns.name,
  ]);
  for (const { netns, link, address } of [a, b]) {
    if (address !== undefined) await netns.run('ip', 'address', 'add', address, 'dev', link);
    await netns.run('ip', 'link', 'set', link, 'up');
  }
}
