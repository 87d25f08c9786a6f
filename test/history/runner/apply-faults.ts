// Does what a planned fault says to the processes and the disk of a run, and takes it back.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Way } from './cut';
import type { Fault } from './faults';
import type { Members } from './members';
import type { Network } from './network';
import type { Servers } from './servers';

/** The process of etcd where it has one member. */
export interface EtcdProcess {
  /** Kills it and starts it again. */
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
}
export interface FaultTargets {
  readonly servers: Servers;
  /** From each server to etcd; empty with SQLite. */
  readonly ways: readonly Way[];
  readonly etcd?: EtcdProcess;
  /** Several members, each in the place of a server. */
  readonly places?: { readonly network: Network; readonly members: Members };
  /** A small file system that holds the data of server 0. */
  readonly disk?: string;
}

/** Resolves with the place or server it was applied to, when the fault is over and that server is ready again. */
export async function applyFault(targets: FaultTargets, fault: Fault): Promise<number> {
  const { servers, ways, etcd, places, disk } = targets;
  const { kind, lastsMs, point, end } = fault;
  const server = (fault.atLeader ? await places?.members.leader() : undefined) ?? fault.server;
  switch (kind) {
    case 'kill':
      servers.kill(server);
      break;
    case 'stop':
      servers.end(server);
      break;
    case 'crash':
    case 'sync-error':
      servers.killWith(server, point);
      await servers.ready(server);
      await sleep(lastsMs);
      break;
    case 'freeze':
      servers.signal(server, 'SIGSTOP');
      await sleep(lastsMs);
      servers.signal(server, 'SIGCONT');
      break;
    case 'clock':
      servers.signal(server, 'SIGUSR2');
      return server;
    case 'full-disk':
      if (disk !== undefined) await fillFor(disk, lastsMs);
      break;
    case 'cut':
      ways[server]?.cut();
      await sleep(cutFactor * lastsMs);
      ways[server]?.heal(lastsMs % 2 === 0);
      break;
    case 'etcd-kill':
      await etcd?.kill();
      break;
    case 'etcd-freeze':
      etcd?.signal('SIGSTOP');
      await sleep(Math.min(lastsMs, restMs));
      etcd?.signal('SIGCONT');
      break;
    case 'isolate':
      await places?.network.setLink(server, end, false);
      await sleep(cutFactor * lastsMs);
      await places?.network.setLink(server, end, true);
      break;
    case 'split':
      await places?.network.split(server);
      await sleep(cutFactor * lastsMs);
      await places?.network.join(server);
      break;
    case 'member-kill':
      await killFor(places?.members, [server], pauseOf(lastsMs));
      break;
    case 'member-freeze':
      places?.members.signal(server, 'SIGSTOP');
      await sleep(Math.min(lastsMs, restMs));
      places?.members.signal(server, 'SIGCONT');
      break;
    case 'no-quorum':
      await killFor(places?.members, othersThan(server, places?.members.count), quorumFactor * lastsMs);
      break;
    case 'place-kill':
      servers.kill(server);
      await killFor(places?.members, [server], pauseOf(lastsMs));
      break;
  }
  await servers.ready(server);
  return server;
}

/** Up to 10 s: long enough for the time limits of the connection to etcd. */
const cutFactor = 3;
/** Up to 5 s. */
const quorumFactor = 1.4;
const restMs = 3_000;

/** Often at once. */
const pauseOf = (lastsMs: number): number => (lastsMs % 2 === 0 ? 0 : Math.min(lastsMs, restMs));

/** So many that the rest is no majority. */
function othersThan(survivor: number, count = 0): readonly number[] {
  const ring = Array.from({ length: count }, (_, i) => (survivor + 1 + i) % count);
  return ring.slice(0, Math.ceil(count / 2));
}

async function killFor(members: Members | undefined, which: readonly number[], lastsMs: number): Promise<void> {
  if (!members) return;
  await Promise.all(which.map((member) => members.kill(member)));
  await sleep(lastsMs);
  await Promise.all(which.map((member) => members.start(member)));
}

/** Fills the file system to its last byte, and frees it after a while. */
async function fillFor(disk: string, lastsMs: number): Promise<void> {
  const path = join(disk, 'filler');
  const file = openSync(path, 'w');
  try {
    for (let size = 1 << 20; size >= 1; size >>= 1) {
      const block = Buffer.alloc(size);
      // A disk that is full ends the loop by ENOSPC.
      while (hasRoom(file, block));
    }
    await sleep(lastsMs);
  } finally {
    closeSync(file);
    rmSync(path);
  }
}

function hasRoom(file: number, block: Buffer): boolean {
  try {
    return writeSync(file, block) === block.length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}
