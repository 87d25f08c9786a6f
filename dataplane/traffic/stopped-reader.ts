// Reads the rules that stop packets. The costly part of a reading: its pace is its own.
import { CommandFailed, describeError, isNotFound } from '../../controlplane/base/errors';
import type { Exec } from '../exec/exec';
import { backendsInUse } from '../netfilter/backend';
import { readListing } from '../path/nft/listing';
import type { NftTable } from '../path/nft/tables';
import { isByNft } from '../path/tracers';
import { mapName, tableName } from '../policy/names';
import { chains, maps as serviceMaps } from '../service/nft/names';
import type { ReadCounter } from './growing';
import { podsByProfile, servicesByRefusal } from './maps';
import { type Maps, stoppedByIptables, stoppedByNft } from './stopped';

export const maxStopped = 500;
const timeoutMs = 30_000;
const families = [4, 6] as const;

export interface StoppedReading {
  readonly stopped: readonly ReadCounter[];
  readonly problems: readonly string[];
}

export class StoppedReader {
  /** By family: looked up once, because it takes several commands. */
  private readonly savers = new Map<4 | 6, readonly string[]>();

  constructor(private readonly exec: Exec) {}

  /** A part that cannot be read is a problem; the others count. */
  async read(): Promise<StoppedReading> {
    const problems: string[] = [];
    const attempt = async <T>(what: string, read: () => Promise<T>, otherwise: T): Promise<T> => {
      try {
        return await read();
      } catch (error) {
        problems.push(`${what} cannot be read: ${describeError(error)}`);
        return otherwise;
      }
    };
    const stopped: ReadCounter[] = [];
    const shown = new Set<string>();
    for (const family of families) {
      const dumps = await attempt(`rules of iptables (IPv${family})`, () => this.dumps(family), []);
      for (const dump of dumps) {
        for (const one of stoppedByIptables(family, dump)) stopped.push(one);
        if (isByNft(dump))
          for (const [, table] of dump.matchAll(/^\*(\w+)$/gm)) shown.add(`${prefix(family)} ${table}`);
      }
    }
    const tables = await attempt(
      'rules of nftables',
      async () => readListing(await this.nft('-t', 'list', 'ruleset')),
      [],
    );
    const own = tables.filter(({ label }) => !shown.has(label));
    const maps = await attempt('maps of nftables', () => this.mapsFor(own), noMaps);
    for (const one of stoppedByNft(own, maps)) stopped.push(one);
    const sorted = merged(stopped).sort((a, b) => b.packets - a.packets || (a.rule < b.rule ? -1 : 1));
    if (sorted.length > maxStopped) {
      problems.push(
        `${sorted.length} rules have stopped packets; the ${maxStopped} with the most packets are reported`,
      );
    }
    return { stopped: sorted.slice(0, maxStopped), problems };
  }

  private async dumps(family: 4 | 6): Promise<readonly string[]> {
    const savers = this.savers.get(family) ?? (await backendsInUse(this.exec, family)).map(({ save }) => save);
    this.savers.set(family, savers);
    const dumps: string[] = [];
    // One after the other: the node has other work.
    for (const save of savers) dumps.push((await this.exec.run([save, '-c'], { timeoutMs })).stdout);
    return dumps;
  }

  private async nft(...args: readonly string[]): Promise<string> {
    try {
      return (await this.exec.run(['nft', '-n', ...args], { timeoutMs })).stdout;
    } catch (error) {
      // A node whose kube-proxy writes iptables may lack the program.
      if (isNotFound(error)) return '';
      throw error;
    }
  }

  /** Reads the maps that name the objects of the rules, and only if such a rule has stopped something. */
  private async mapsFor(tables: readonly NftTable[]): Promise<Maps> {
    const profiles = new Set<'egress' | 'ingress'>();
    const refusing = new Set<string>();
    stoppedByNft(tables, {
      podsOf: (chain) => {
        profiles.add(chain.startsWith('to-') ? 'ingress' : 'egress');
        return [];
      },
      refused: (table) => {
        refusing.add(table);
        return [];
      },
    });
    const elements: NftTable[] = [];
    for (const direction of profiles) {
      for (const family of families)
        elements.push(...(await this.map(`inet ${tableName}`, mapName(direction, family))));
    }
    const pods = podsByProfile(elements);
    const services = new Map<string, ReturnType<typeof servicesByRefusal>>();
    for (const table of refusing) {
      const sets: NftTable['sets'] = new Map();
      for (const map of [serviceMaps.services, serviceMaps.nodePorts]) {
        for (const one of await this.map(table, map)) for (const [name, set] of one.sets) sets.set(name, set);
      }
      const rules = tables.find(({ label }) => label === table)!;
      services.set(table, servicesByRefusal({ ...rules, sets }));
    }
    return {
      podsOf: (chain) => pods.get(chain) ?? [],
      refused: (table, verdict) => services.get(table)?.get(chains[verdict]) ?? [],
    };
  }

  /** Empty: the map went while we read. */
  private async map(table: string, name: string): Promise<readonly NftTable[]> {
    try {
      return readListing(await this.nft('list', 'map', ...table.split(' '), name));
    } catch (error) {
      if (error instanceof CommandFailed && /No such file or directory/.test(error.stderr)) return [];
      throw error;
    }
  }
}

const noMaps: Maps = { podsOf: () => [], refused: () => [] };
const prefix = (family: 4 | 6): string => (family === 4 ? 'ip' : 'ip6');

/** Pure. A rule that stands twice is one, with the packets of both. */
export function merged(stopped: readonly ReadCounter[]): ReadCounter[] {
  const byRule = new Map<string, ReadCounter>();
  for (const one of stopped) {
    const same = byRule.get(one.rule);
    byRule.set(one.rule, same ? { ...one, packets: one.packets + same.packets, bytes: one.bytes + same.bytes } : one);
  }
  return [...byRule.values()];
}
