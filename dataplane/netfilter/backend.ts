// Which of the two kernel interfaces iptables uses, and whether another program uses the other one. The kernel evaluates the
// rules of both, in an order that no program intended, so k8ts refuses such a mix.
import { describeError, isNotFound, Unsupported } from '../../controlplane/base/errors';
import type { Exec } from '../exec/exec';
import type { Family } from './model';

export type Mode = 'nft' | 'legacy';
export interface Backend {
  readonly mode: Mode;
  readonly version: string;
  /** The programs `iptables-restore` and `iptables-save` of this family and mode. */
  readonly restore: string;
  readonly save: string;
}

/** 1.8.1 and 1.8.2 add a rule again on every restore. MASQUERADE --random-fully exists since 1.6.2. */
const oldestGood = [1, 8, 3];

/**
 * The back end that `iptables` uses on this node. @throws Unsupported when iptables is too old or not installed, or when the
 * kernel holds Service rules of the other mode; the message says what to do.
 */
export async function detectBackend(exec: Exec, family: Family): Promise<Backend> {
  const program = family === 4 ? 'iptables' : 'ip6tables';
  const { version, mode } = await readVersion(exec, program);
  const other: Mode = mode === 'nft' ? 'legacy' : 'nft';
  const rules = await countRules(exec, `${program}-${other}-save`);
  if (rules > 0) {
    throw new Unsupported(
      `${program} speaks ${mode} here, but the kernel also holds ${rules} rules written through ${other}: both would be applied. ` +
        `Remove them (${program}-${other}-save shows them) or switch with: update-alternatives --set ${program} /usr/sbin/${program}-${other}`,
      { details: { mode, other, rules } },
    );
  }
  return { mode, version, restore: `${program}-restore`, save: `${program}-save` };
}

/**
 * The back ends whose foreign rules may decide over our packets: the one `iptables` uses on this node, and the other mode if it
 * holds rules. Empty where iptables is not installed.
 */
export async function backendsInUse(exec: Exec, family: Family): Promise<Backend[]> {
  const program = family === 4 ? 'iptables' : 'ip6tables';
  const { version, mode } = await readVersion(exec, program).catch((err: unknown) => {
    if (err instanceof Unsupported) return { version: undefined, mode: undefined };
    throw err;
  });
  if (version === undefined) return [];
  const backends: Backend[] = [];
  for (const backend of programsOf(family)) {
    // A policy alone, as of Docker's FORWARD, decides, too.
    const used = backend.mode === mode || decides.test(await saved(exec, backend.save));
    if (used) backends.push({ ...backend, version });
  }
  return backends;
}

/** The programs of both modes: cleanup removes rules of either mode. */
export function programsOf(family: Family): Backend[] {
  const program = family === 4 ? 'iptables' : 'ip6tables';
  return (['nft', 'legacy'] as const).map((mode) => ({
    mode,
    version: '',
    restore: `${program}-${mode}-restore`,
    save: `${program}-${mode}-save`,
  }));
}

async function readVersion(exec: Exec, program: string): Promise<{ version: string; mode: Mode }> {
  let stdout: string;
  try {
    ({ stdout } = await exec.run([program, '--version'], { timeoutMs: 10_000 }));
  } catch (cause) {
    if (isNotFound(cause)) throw new Unsupported(`${program} is not installed: apt-get install iptables`, { cause });
    throw cause;
  }
  const { version, mode } = parseVersion(stdout);
  const parts = version.split('.').map(Number);
  const at = oldestGood.findIndex((part, i) => (parts[i] ?? 0) !== part);
  if (at >= 0 && (parts[at] ?? 0) < oldestGood[at]!) {
    throw new Unsupported(`${program} ${version} is too old: at least ${oldestGood.join('.')} is needed`);
  }
  return { version, mode };
}

/** `iptables v1.8.9 (nf_tables)`. Versions without a word in brackets are older than the nft mode: they are legacy. */
export function parseVersion(text: string): { version: string; mode: Mode } {
  const found = /v(\d+\.\d+(?:\.\d+)?)(?:\s+\((\w+)\))?/.exec(text);
  if (!found) throw new Unsupported(`cannot read the version of iptables from ${JSON.stringify(text.trim())}`);
  return { version: found[1]!, mode: found[2] === 'nf_tables' ? 'nft' : 'legacy' };
}

/** A rule, or a policy that drops, in what the save program prints. */
const decides = /^(?:-A |:\S+ DROP )/m;

/** Number of rules in all tables of one mode; 0 when its program or its kernel module is missing. */
const countRules = async (exec: Exec, program: string): Promise<number> =>
  (await saved(exec, program)).split('\n').filter((line) => line.startsWith('-A ')).length;

/** '' where there is no such program, or no such tables. */
async function saved(exec: Exec, program: string): Promise<string> {
  try {
    return (await exec.run([program], { timeoutMs: 30_000 })).stdout;
  } catch (err) {
    if (isNotFound(err)) return '';
    // The legacy program fails where the kernel has no legacy tables: then no rules can be in them.
    if (/does not exist|not supported|No such file|Permission denied/i.test(describeError(err))) return '';
    throw err;
  }
}
