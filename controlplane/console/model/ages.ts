// How long ago, in the short form of kubectl: 45s, 3m20s, 5h, 12d, 2y. Pure.

const second = 1;
const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** Up to which age two units are shown. Source: duration.HumanDuration of apimachinery, whose texts kubectl prints. */
export function formatAge(ms: number): string {
  const total = Math.floor(Math.max(0, ms) / 1000);
  if (total < 2 * minute) return `${total}s`;
  if (total < 10 * minute) return two(total, minute, 'm', second, 's');
  if (total < 3 * hour) return `${Math.floor(total / minute)}m`;
  if (total < 8 * hour) return two(total, hour, 'h', minute, 'm');
  if (total < 2 * day) return `${Math.floor(total / hour)}h`;
  if (total < 8 * day) return two(total, day, 'd', hour, 'h');
  if (total < 2 * year) return `${Math.floor(total / day)}d`;
  if (total < 8 * year) return two(total, year, 'y', day, 'd');
  return `${Math.floor(total / year)}y`;
}

const age = /^(?:(\d+)y)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/;

/** The milliseconds that a text of formatAge() stands for, as exactly as it says; undefined for another text. */
export function parseAge(text: string): number | undefined {
  const found = text === '' || text.length > 20 ? null : age.exec(text);
  if (!found) return undefined;
  const [years = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = found.slice(1).map((part) => Number(part ?? 0));
  return (years * year + days * day + hours * hour + minutes * minute + seconds) * 1000;
}

function two(total: number, unit: number, name: string, smaller: number, smallerName: string): string {
  const rest = Math.floor((total % unit) / smaller);
  return `${Math.floor(total / unit)}${name}${rest === 0 ? '' : `${rest}${smallerName}`}`;
}
