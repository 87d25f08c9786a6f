// Kernel settings under /proc/sys/net. The namespace of the opening thread decides to which namespace such a file belongs: so the
// files are read and written inside enter().
import { readFileSync, writeFileSync } from 'node:fs';
import { AppError, BadRequest, Unsupported } from '../../controlplane/base/errors';
import type { Netns } from '../netns/netns';

/** Name → value, with dots or, where a link name contains a dot, slashes: net/ipv4/conf/eth0.5/rp_filter. */
export type Sysctls = Readonly<Record<string, string>>;

function pathOf(name: string): string {
  const path = name.includes('/') ? name : name.replaceAll('.', '/');
  if (!path.startsWith('net/') || path.split('/').includes('..')) {
    throw new BadRequest(`not a setting of a network namespace: ${name}`);
  }
  return `/proc/sys/${path}`;
}

/** The value without its line end, or undefined when this kernel has no such setting. */
export function readSysctl(netns: Netns, name: string): string | undefined {
  const path = pathOf(name);
  return netns.enter(() => {
    try {
      return readFileSync(path, 'utf8').trim();
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw err;
    }
  });
}

/**
 * Writes the settings that differ and returns their names, all in one visit to the namespace. @throws Unsupported when the
 * kernel has no such setting, Forbidden when it cannot be changed.
 */
export function ensureSysctls(netns: Netns, desired: Sysctls): readonly string[] {
  const entries = Object.entries(desired).map(([name, value]) => ({ name, value, path: pathOf(name) }));
  return netns.enter(() => {
    const written: string[] = [];
    for (const { name, value, path } of entries) {
      try {
        if (readFileSync(path, 'utf8').trim() === value) continue;
        writeFileSync(path, `${value}\n`);
      } catch (cause) {
        const { code } = cause as NodeJS.ErrnoException;
        if (code === 'ENOENT') throw new Unsupported(`this kernel has no setting ${name}`, { cause });
        throw new AppError('Forbidden', `setting ${name} to ${value} failed`, { cause });
      }
      written.push(name);
    }
    return written;
  });
}
