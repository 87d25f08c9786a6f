// Finds the node's address at start, stores it for the time after a reboot, and notices when the machine loses it.
import { lookup } from 'node:dns/promises';
import { readFile, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../../../controlplane/base/clock';
import { BadRequest, Unavailable } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import { NetworkMonitor } from '../../../dataplane/link/monitor';
import { Rtnetlink } from '../../../dataplane/link/rtnetlink';
import type { Netns } from '../../../dataplane/netns/netns';
import { ownNetns } from '../../../dataplane/netns/system-netns';
import type { NodeEvent } from '../part';
import { type AddressFacts, chooseAddress, missingAddresses } from './address';

export interface NodeAddressDeps {
  /** --node-ip; empty: find out. */
  readonly given: readonly string[];
  /** The API server's URL. */
  readonly server: string;
  /** The folder of the file with the address. */
  readonly rootDir: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** The node's namespace; default the one this process runs in. */
  readonly netns?: Netns;
}

/** How long the kubelet waits at boot for a link before it uses another address. */
export const settleMs = 60_000;
const retryMs = 1_000;
/** Follows an address in the file that did not come back in time: the next start uses another address at once. */
const goneMark = 'gone';

export class NodeAddress {
  private readonly netns: Netns;

  constructor(private readonly deps: NodeAddressDeps) {
    this.netns = deps.netns ?? ownNetns();
  }

  /** The node's addresses, its main address first. @throws BadRequest when this machine has none that other nodes could reach. */
  async find(signal: AbortSignal): Promise<readonly string[]> {
    const { given, log } = this.deps;
    if (given.length === 0) return [await this.discover(signal)];
    const missing = missingAddresses(given, await this.facts(undefined));
    if (missing.length > 0)
      log.warn('no link of this machine has the address of --node-ip; the kubelet goes on with it', {
        missing: missing.join(','),
      });
    return given;
  }

  /**
   * Runs until the signal is aborted. Reports by log and Event an address that is missing for longer than a link takes to come
   * back. If --node-ip gave the address, the kubelet waits for it. If the kubelet found it, watch() throws Unavailable: the
   * process starts again and uses the new address everywhere.
   */
  async watch(addresses: readonly string[], report: NodeEvent, signal: AbortSignal): Promise<void> {
    const { given, clock, log } = this.deps;
    const gone = async (missing: readonly string[]): Promise<void> => {
      const message = `Address ${missing.join(', ')} of the node is on none of its links`;
      report('Warning', 'NodeAddressMissing', message);
      log.error('this machine has lost an address of the node', { missing: missing.join(',') });
      if (given.length > 0) return;
      await this.remember(`${addresses[0]} ${goneMark}`);
      throw new Unavailable(`${message}: the kubelet restarts to find another`);
    };
    let wake = Promise.withResolvers<void>();
    const monitor = new NetworkMonitor(this.netns, (change) => {
      if (change.type === 'overrun' || ('address' in change && addresses.includes(change.address.address)))
        wake.resolve();
    });
    try {
      let reported = false;
      while (!signal.aborted) {
        const missing = missingAddresses(addresses, await this.facts(undefined));
        if (missing.length > 0 && !reported) {
          await clock.sleep(settleMs, signal);
          const still = missingAddresses(addresses, await this.facts(undefined));
          reported = still.length > 0;
          if (reported) await gone(still);
        } else if (missing.length === 0 && reported) {
          reported = false;
          report('Normal', 'NodeAddressBack', `The node has ${addresses.join(', ')} again`);
        }
        await Promise.race([wake.promise, clock.sleep(settleMs, signal)]);
        wake = Promise.withResolvers();
      }
    } catch (err) {
      if (!signal.aborted) throw err;
    } finally {
      monitor.close();
    }
  }

  private async discover(signal: AbortSignal): Promise<string> {
    const { clock, log } = this.deps;
    const { before, gone } = await this.remembered();
    const deadline = clock.now() + settleMs;
    let said = '';
    for (;;) {
      const choice = chooseAddress(await this.facts(await this.serverAddress()), before);
      if (choice.action === 'use') {
        await this.remember(choice.address);
        log.info('address of this node', { address: choice.address, kept: choice.address === before });
        return choice.address;
      }
      if (clock.now() >= deadline || (gone && choice.instead !== undefined)) {
        if (choice.instead === undefined)
          throw new BadRequest(`${choice.reason}; name the node's address by --node-ip`);
        log.warn('the address of this node has changed', { before, now: choice.instead });
        await this.remember(choice.instead);
        return choice.instead;
      }
      if (choice.reason !== said) log.warn('waiting for the address of this node', { reason: choice.reason });
      said = choice.reason;
      await clock.sleep(retryMs, signal);
    }
  }

  private async facts(serverAddress: string | undefined): Promise<AddressFacts> {
    const rt = new Rtnetlink(this.netns);
    try {
      const [links, addresses] = await Promise.all([rt.links(), rt.addresses()]);
      return { links, addresses, towardsServer: serverAddress ? await rt.routeTo(serverAddress) : undefined };
    } finally {
      rt.close();
    }
  }

  /** Undefined while the name does not resolve. */
  private async serverAddress(): Promise<string | undefined> {
    const host = new URL(this.deps.server).hostname.replace(/^\[(.*)\]$/, '$1');
    if (isIP(host) !== 0) return host;
    return lookup(host).then(
      ({ address }) => address,
      () => undefined,
    );
  }

  private get memory(): string {
    return join(this.deps.rootDir, 'node-address');
  }

  private async remembered(): Promise<{ readonly before: string | undefined; readonly gone: boolean }> {
    const text = await readFile(this.memory, 'utf8').catch(() => '');
    const [address = '', mark] = text.trim().split(' ');
    return { before: isIP(address) === 0 ? undefined : address, gone: mark === goneMark };
  }

  private remember(text: string): Promise<void> {
    return writeFile(this.memory, `${text}\n`, { mode: 0o644 });
  }
}
