// Durations as kubectl prints them in the AGE column. Pure.

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** `<unknown>` without a time, `<invalid>` for one in the future. */
export function formatAge(created: string | undefined, now: number): string {
  const at = created === undefined ? Number.NaN : Date.parse(created);
  if (Number.isNaN(at)) return '<unknown>';
  return formatDuration(now - at);
}

/** The two largest units, the second only for short durations: 45s, 3m20s, 5h12m, 2d3h, 40d, 2y10d. */
export function formatDuration(ms: number): string {
  if (ms < -second) return '<invalid>';
  if (ms < 0) return '0s';
  if (ms < 2 * minute) return `${Math.floor(ms / second)}s`;
  if (ms < 10 * minute) return pair(ms, minute, 'm', second, 's');
  if (ms < 3 * hour) return `${Math.floor(ms / minute)}m`;
  if (ms < 8 * hour) return pair(ms, hour, 'h', minute, 'm');
  if (ms < 2 * day) return `${Math.floor(ms / hour)}h`;
  if (ms < 8 * day) return pair(ms, day, 'd', hour, 'h');
  if (ms < 730 * day) return `${Math.floor(ms / day)}d`;
  if (ms < 8 * 365 * day) return pair(ms, 365 * day, 'y', day, 'd');
  return `${Math.floor(ms / (365 * day))}y`;
}

function pair(ms: number, big: number, bigName: string, small: number, smallName: string): string {
  const rest = Math.floor((ms % big) / small);
  return `${Math.floor(ms / big)}${bigName}${rest === 0 ? '' : `${rest}${smallName}`}`;
}
