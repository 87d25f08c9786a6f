// Netns by setns(2) through koffi. libuv's threads and all other code of the process never run in another namespace, because the
// calling thread returns before any other code can run.
import { closeSync, openSync, statSync } from 'node:fs';
import { AppError, NotFound, Unsupported } from '../../controlplane/base/errors';
import { errnoName, libc } from '../libc/libc';
import type { Netns } from './netns';

const CLONE_NEWNET = 0x40000000;
/** The namespace of the calling thread. A worker thread has an entry of its own, so never /proc/self/ns/net here. */
const ownPath = '/proc/thread-self/ns/net';

function setns(fd: number): void {
  if (libc().setns(fd, CLONE_NEWNET) === 0) return;
  const name = errnoName();
  if (name === 'EPERM') throw new AppError('Forbidden', 'entering a network namespace needs CAP_SYS_ADMIN');
  throw new Unsupported(`setns failed: ${name}`);
}

class SystemNetns implements Netns {
  constructor(readonly path: string) {}

  enter<T>(fn: () => T): T {
    const target = openNamespace(this.path);
    try {
      const home = openNamespace(ownPath);
      try {
        setns(target);
        try {
          const result = fn();
          if (result instanceof Promise) throw new TypeError('enter() takes no asynchronous function');
          return result;
        } finally {
          setns(home);
        }
      } finally {
        closeSync(home);
      }
    } finally {
      closeSync(target);
    }
  }
}

class OwnNetns implements Netns {
  readonly path = ownPath;
  enter<T>(fn: () => T): T {
    return fn();
  }
}

function openNamespace(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') throw new NotFound(`network namespace is gone: ${path}`, { cause });
    throw new AppError('Unavailable', `network namespace cannot be opened: ${path}`, { cause });
  }
}

/**
 * A handle by path: /run/netns/NAME or /proc/PID/ns/net. Opens nothing yet; enter() throws NotFound when the namespace does not
 * exist.
 */
export const openNetns = (path: string): Netns => new SystemNetns(path);

/** The namespace in which this process was started; enter() only calls `fn`. */
export const ownNetns = (): Netns => new OwnNetns();

/** The namespace of a process, e.g. of a pod's pause container. */
export const netnsOfProcess = (pid: number): Netns => openNetns(`/proc/${pid}/ns/net`);

/** A named namespace as `ip netns` keeps it. */
export const namedNetns = (name: string): Netns => openNetns(`/run/netns/${name}`);

/**
 * An identity of the namespace: equal for two handles of the same one. @throws NotFound when the namespace does not exist any
 * more.
 */
export function netnsIdentity(netns: Netns): string {
  try {
    const { dev, ino } = statSync(netns.path);
    return `${dev}:${ino}`;
  } catch (cause) {
    throw new NotFound(`network namespace is gone: ${netns.path}`, { cause });
  }
}
