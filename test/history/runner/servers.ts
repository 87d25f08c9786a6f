// The server processes of a run, restarted when they end, as a supervisor would; and what a fault does to them.

import { createWriteStream, type WriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Unavailable } from '../../../controlplane/base/errors';
import { type Daemon, startProgram } from '../../../dataplane/exec/system-exec';
import { inNetns } from '../../../dataplane/netns/named';
import { Connection, NoAnswer } from '../recorder/connection';
import type { Sites } from './sites';

const root = join(__dirname, '../../..');
const restartMs = 50;
const readyPollMs = 50;
/** A server that runs and is not ready for this long will not get ready by itself. On a busy machine a start takes many seconds. */
const unreadyMs = 120_000;
/** The same after a sync that failed: such a server must be started again. */
const failedStoreMs = 3_000;
/** In the log of a server whose start is over. */
const servingLine = ' serving address=';
const maxSurprises = 5;
/** A server whose etcd has no majority, or answers nothing, ends at its start, as kube-apiserver does. It is started again. */
const maxFailedStarts = 5;

export interface ServerOptions {
  /** Of the run: data, keys and logs lie below it. */
  readonly folder: string;
  /** The data folder of server 0 is `folder`/data-0. */
  readonly sites: Sites;
  /** --etcd-compaction-interval: 1s */
  readonly compaction: string;
}

interface Running {
  readonly daemon: Daemon;
  /** The fault that waits inside it. */
  readonly fault: string;
}

export class Servers {
  /** What a server did that no fault explains. */
  readonly surprises: string[] = [];
  /** How often a server ended at the fault that waited inside it. */
  endedInside = 0;
  private readonly running: (Running | undefined)[];
  private readonly logs: readonly WriteStream[];
  /** Ended by a fault, so not by itself. */
  private readonly killed = new Set<Daemon>();
  private readonly readyOnce = new Set<Daemon>();
  private readonly nextFault = new Map<number, string>();
  private readonly keeping: Promise<void>[] = [];
  private readonly stop = new AbortController();

  constructor(private readonly options: ServerOptions) {
    const { folder, sites } = options;
    this.running = sites.all.map(() => undefined);
    this.logs = sites.all.map((_, i) => createWriteStream(join(folder, `server-${i}.log`)));
  }

  /** Connections of one client, one for each server. */
  connect(): readonly Connection[] {
    const { all, credentials } = this.options.sites;
    return all.map(({ endpoint }) => new Connection(endpoint, credentials));
  }

  /** Starts all, one after the other, and keeps them running. @throws when one does not get ready */
  async start(): Promise<void> {
    for (const server of this.running.keys()) {
      this.keeping.push(this.keep(server));
      await this.ready(server);
    }
  }

  async close(): Promise<void> {
    this.stop.abort();
    for (const one of this.running) one?.daemon.kill('SIGKILL');
    await Promise.all(this.keeping);
    for (const log of this.logs) log.end();
  }

  /** What each server has logged, by its name. */
  async logTexts(): Promise<Readonly<Record<string, string>>> {
    const texts = this.running.map(async (_, i) => {
      return [`server-${i}`, await readFile(join(this.options.folder, `server-${i}.log`), 'utf8')] as const;
    });
    return Object.fromEntries(await Promise.all(texts));
  }

  kill(server: number): void {
    const daemon = this.running[server]?.daemon;
    if (!daemon) return;
    this.killed.add(daemon);
    daemon.kill('SIGKILL');
  }

  /** SIGTERM: it ends after the requests under way. */
  end(server: number): void {
    const daemon = this.running[server]?.daemon;
    if (!daemon) return;
    this.killed.add(daemon);
    daemon.kill('SIGTERM');
  }

  /** Restarts the server with a fault inside it: see inside-server.ts. */
  killWith(server: number, fault: string): void {
    this.nextFault.set(server, fault);
    this.kill(server);
  }

  signal(server: number, signal: NodeJS.Signals): void {
    this.running[server]?.daemon.kill(signal);
  }

  /** Resolves when the server answers /readyz. A server that runs but stays unready is restarted, and that is a surprise. */
  async ready(server: number): Promise<void> {
    const { all, credentials } = this.options.sites;
    const connection = new Connection(all[server]!.endpoint, credentials);
    let since = performance.now();
    for (let daemon = this.running[server]?.daemon; !(await isReady(connection)); await sleep(readyPollMs)) {
      this.stop.signal.throwIfAborted();
      if (this.hasEndedOften()) {
        const { [`server-${server}`]: log = '' } = await this.logTexts();
        throw new Unavailable(`${this.surprises.join('; ')}: ${log.slice(-2_000)}`);
      }
      const present = this.running[server];
      if (present?.daemon !== daemon) since = performance.now();
      daemon = present?.daemon;
      const isFailed = present?.fault.startsWith('sync-error') === true && this.readyOnce.has(present.daemon);
      if (performance.now() - since < (isFailed ? failedStoreMs : unreadyMs)) continue;
      if (!isFailed) this.surprises.push(`server ${server} was not ready for ${unreadyMs} ms, and was restarted`);
      this.kill(server);
      since = performance.now();
    }
    connection.close();
    const { daemon } = this.running[server] ?? {};
    if (daemon) this.readyOnce.add(daemon);
  }

  /** So a program that does not even start ends the run. */
  private hasEndedOften(): boolean {
    return this.surprises.length > maxSurprises;
  }

  private async keep(server: number): Promise<void> {
    const { needsMajority } = this.options.sites;
    let failedStarts = 0;
    while (!this.stop.signal.aborted) {
      const fault = this.nextFault.get(server) ?? '';
      this.nextFault.delete(server);
      let hasServed = false;
      const daemon = await this.spawn(server, fault, () => {
        hasServed = true;
      });
      this.running[server] = { daemon, fault };
      if (this.stop.signal.aborted) daemon.kill('SIGKILL');
      const status = await daemon.exited;
      if (this.stop.signal.aborted) return;
      hasServed ||= this.readyOnce.has(daemon);
      const isFailedStart = needsMajority && status === 1 && !hasServed && failedStarts < maxFailedStarts;
      if (this.killed.has(daemon)) {
        // The fault explains it.
      } else if (status === null && fault !== '') this.endedInside++;
      else if (isFailedStart) failedStarts++;
      // After a sync that failed, a server may end: the content of its disk is unknown.
      else if (!fault.startsWith('sync-error')) {
        this.surprises.push(`server ${server} ended by itself with status ${status}`);
      }
      await sleep(restartMs);
    }
  }

  private spawn(server: number, fault: string, onServing: () => void): Promise<Daemon> {
    const { folder, sites, compaction } = this.options;
    const { endpoint, pkiDir, store, netns } = sites.all[server]!;
    const argv = [
      process.execPath,
      `--require=${join(__dirname, 'inside-server.ts')}`,
      join(root, 'dist/k8ts.js'),
      'server',
      `--data-dir=${join(folder, `data-${server}`)}`,
      `--pki-dir=${pkiDir}`,
      `--bind-address=${endpoint.host}`,
      `--secure-port=${endpoint.port}`,
      `--advertise-address=${endpoint.host}`,
      '--service-cidr=10.96.0.0/24',
      '--parts=apiserver',
      `--etcd-compaction-interval=${compaction}`,
      ...store,
    ];
    const env = { K8TS_HISTORY_FAULT: fault };
    const onOutput = (chunk: Buffer) => {
      this.logs[server]?.write(chunk);
      if (chunk.includes(servingLine)) onServing();
    };
    return startProgram(netns ? inNetns(netns, argv) : argv, {
      cwd: root,
      env,
      onOutput,
    });
  }
}

async function isReady(connection: Connection): Promise<boolean> {
  try {
    return (await connection.call({ method: 'GET', path: '/readyz' })).status === 200;
  } catch (error) {
    if (error instanceof NoAnswer) return false;
    throw error;
  }
}
