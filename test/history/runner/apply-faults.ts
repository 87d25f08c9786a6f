// Does what a planned fault says to the processes and the disk of a run, and takes it back.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Way } from './cut';
import type { Fault } from './faults';
import type { Servers } from './servers';

/** The process of etcd; absent with SQLite. */
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
  /** A small file system that holds the data of server 0. */
  readonly disk?: string;
}

/** Resolves when the fault is over and the server is ready again. */
export async function applyFault({ servers, ways, etcd, disk }: FaultTargets, fault: Fault): Promise<void> {
  const { kind, server, lastsMs, point } = fault;
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
      return;
    case 'full-disk':
      if (disk !== undefined) await fillFor(disk, lastsMs);
      break;
    case 'cut':
      ways[server]?.cut();
      // Long enough for the time limits of the connection to etcd.
      await sleep(3 * lastsMs);
      ways[server]?.heal(lastsMs % 2 === 0);
      break;
    case 'etcd-kill':
      await etcd?.kill();
      break;
    case 'etcd-freeze':
      etcd?.signal('SIGSTOP');
      await sleep(Math.min(lastsMs, 3_000));
      etcd?.signal('SIGCONT');
      break;
  }
  await servers.ready(server);
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
