// What each Prometheus client reports of its process, by the same names: CPU time, memory, open files, start.
import { readdirSync, readFileSync } from 'node:fs';
import { renderCounter, renderGauge } from './metric';

/** By name. What only the kernel knows is missing where there is no /proc. */
export function processValues(): Readonly<Record<string, number>> {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return {
    process_resident_memory_bytes: rss,
    nodejs_heap_size_used_bytes: heapUsed,
    process_cpu_seconds_total: (user + system) / 1e6,
    process_start_time_seconds: Math.round(Date.now() / 1000 - process.uptime()),
    ...fromKernel(),
  };
}

/** As lines of /metrics. */
export const renderProcessValues = (): readonly string[] =>
  Object.entries(processValues()).flatMap(([name, value]) => {
    const render = name.endsWith('_total') ? renderCounter : renderGauge;
    return render({ name, help: processHelp[name] ?? '' }, [['', value]]);
  });

const processHelp: Readonly<Record<string, string>> = {
  process_resident_memory_bytes: 'Bytes of memory that the process holds.',
  process_cpu_seconds_total: 'Seconds of CPU time.',
  process_start_time_seconds: 'When the process began, in seconds since 1970.',
  process_open_fds: 'Open file descriptors.',
  process_max_fds: 'The most file descriptors that may be open.',
  process_virtual_memory_bytes: 'Bytes of addresses in use.',
  nodejs_heap_size_used_bytes: 'Used heap of Node.js in bytes.',
};

function fromKernel(): Readonly<Record<string, number>> {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    // The name of the process, the second field, may contain blanks; the size of its memory is the 23rd field.
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const virtual = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[20];
    return {
      process_open_fds: readdirSync('/proc/self/fd').length,
      process_max_fds: Number(limit ?? 0),
      process_virtual_memory_bytes: Number(virtual ?? 0),
    };
  } catch {
    return {};
  }
}
