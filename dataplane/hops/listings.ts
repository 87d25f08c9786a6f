// The rules in the kernel of this node, with the packets that each one has counted.
import { isNotFound } from '../../controlplane/base/errors';
import type { Exec } from '../exec/exec';
import { backendsInUse, type Mode } from '../netfilter/backend';
import { readListing } from '../path/nft/listing';
import type { ListingsOfNode } from '../path/tracers';

export interface Listings extends ListingsOfNode {
  /** What `nft -s list ruleset` prints: names for numbers, as a person sees it. */
  readonly nftInNames: string;
}

/** @throws CommandFailed without root */
export async function readListings(exec: Exec): Promise<Listings> {
  const [iptables, nft, nftInNames] = await Promise.all([
    readIptables(exec),
    readNft(exec, '-n', '-s'),
    readNft(exec, '-s'),
  ]);
  return { iptables, nft, nftInNames };
}

export interface CountedListings extends ListingsOfNode {
  /** Packets that matched a rule, by `iptables nat CHAIN:1` or `nft ip k8ts CHAIN:1`; rules that do not count are missing. */
  readonly packets: ReadonlyMap<string, number>;
  /** Rules of the legacy back end, as iptables-save prints them: where `iptables` speaks nft, it does not delete them. */
  readonly legacy: ReadonlySet<string>;
}

/** The same with the counters of the rules. @throws CommandFailed without root */
export async function readCountedListings(exec: Exec): Promise<CountedListings> {
  const [iptables, nft] = await Promise.all([readIptables(exec, '-c'), readNft(exec, '-n')]);
  const packets = new Map<string, number>();
  for (const { family, dump } of iptables) countDump(family === 4 ? 'iptables' : 'ip6tables', dump, packets);
  countNft(nft, packets);
  return { iptables, nft: withoutCounts(nft), packets, legacy: legacyRules(iptables) };
}

interface Dump {
  readonly family: 4 | 6;
  readonly dump: string;
  readonly mode: Mode;
}

/** Pure. */
function legacyRules(dumps: readonly Dump[]): ReadonlySet<string> {
  const lines = dumps.flatMap(({ dump, mode }) => (mode === 'legacy' ? dump.split('\n') : []));
  const rules = lines.map((line) => line.replace(/^\[\d+:\d+\] /, '')).filter((line) => line.startsWith('-A '));
  const policies = lines.flatMap((line) => /^:(\S+) DROP /.exec(line)?.[1] ?? []).map((chain) => `-P ${chain} DROP`);
  return new Set([...rules, ...policies]);
}

async function readIptables(exec: Exec, ...options: string[]): Promise<readonly Dump[]> {
  const families = await Promise.all(
    ([4, 6] as const).map(async (family) => {
      const backends = await backendsInUse(exec, family);
      return Promise.all(
        backends.map(async ({ save, mode }) => ({ family, mode, dump: (await exec.run([save, ...options])).stdout })),
      );
    }),
  );
  return families.flat();
}

async function readNft(exec: Exec, ...options: string[]): Promise<string> {
  const listing = await exec.run(['nft', ...options, 'list', 'ruleset']).catch((error: unknown) => {
    // A node whose kube-proxy writes iptables may lack the program.
    if (isNotFound(error)) return { stdout: '' };
    throw error;
  });
  return listing.stdout;
}

/** Pure. Lines are `[12:720] -A CHAIN ...`. */
export function countDump(program: string, dump: string, into: Map<string, number>): void {
  let table = '';
  const lines = new Map<string, number>();
  for (const text of dump.split('\n')) {
    if (text.startsWith('*')) {
      table = text.slice(1);
      lines.clear();
      continue;
    }
    const [, packets, chain] = /^\[(\d+):\d+\] -A (\S+)/.exec(text) ?? [];
    if (chain === undefined) continue;
    const line = (lines.get(chain) ?? 0) + 1;
    lines.set(chain, line);
    into.set(`${program} ${table} ${chain}:${line}`, Number(packets));
  }
}

/** Pure. */
export function countNft(listing: string, into: Map<string, number>): void {
  for (const { label, chains } of readListing(listing)) {
    for (const [chain, { rules }] of chains) {
      for (const [i, rule] of rules.entries()) {
        const counted = /\bcounter packets (\d+) bytes \d+/.exec(rule)?.[1];
        if (counted !== undefined) into.set(`nft ${label} ${chain}:${i + 1}`, Number(counted));
      }
    }
  }
}

/** As `nft -s` prints it: without counts and remaining times. */
const withoutCounts = (listing: string): string =>
  listing.replace(/ packets \d+ bytes \d+/g, '').replace(/ expires [\dwdhms]+/g, '');
