// Durations as texts of Go's time package, which the API and its configuration files use. Pure.

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
/** Go keeps nanoseconds in an int64. */
const longestMs = 2 ** 63 / 1e6;

/** `text` has only digits and dots. */
const isAmount = (text: string): boolean => /\d/.test(text) && text.split('.').length <= 2;

/** A duration as Go reads it: 1h30m, 1.5h, -2s. Undefined when it is none. */
export function goDurationMs(text: string): number | undefined {
  const sign = /^[+-]/.test(text) ? text[0] : '';
  const rest = text.slice(sign === '' ? 0 : 1);
  if (rest === '0') return 0;
  if (rest === '') return undefined;
  // Amounts and units in turn; a pattern for the pairs would read a long text again and again.
  const parts = rest.match(/[\d.]+|[^\d.]+/g) ?? [];
  if (parts.length % 2 !== 0) return undefined;
  let total = 0;
  for (let i = 0; i < parts.length; i += 2) {
    const [amount = '', unit = ''] = parts.slice(i, i + 2);
    if (!isAmount(amount) || !Object.hasOwn(unitMs, unit)) return undefined;
    total += Number(amount) * unitMs[unit]!;
  }
  if (total >= longestMs) return undefined;
  return sign === '-' ? -total : total;
}

/** How many characters of a wrong duration a message shows. */
const maxShown = 200;

/** The words of Go's parser about a text that is no duration; undefined for a duration. */
export function goDurationError(text: string): string | undefined {
  if (goDurationMs(text) !== undefined) return undefined;
  const shown = JSON.stringify(text.slice(0, maxShown));
  const parts = text.replace(/^[+-]/, '').match(/[\d.]+|[^\d.]+/g) ?? [];
  for (let i = 0; i < parts.length; i += 2) {
    const [amount = '', unit] = parts.slice(i, i + 2);
    if (!isAmount(amount)) break;
    if (unit === undefined) return `time: missing unit in duration ${shown}`;
    if (!Object.hasOwn(unitMs, unit))
      return `time: unknown unit ${JSON.stringify(unit.slice(0, maxShown))} in duration ${shown}`;
  }
  return `time: invalid duration ${shown}`;
}

/** Whole milliseconds as Go writes a duration: 1h30m0s, 500ms, 0s. Not for negative ones. */
export function goDurationText(ms: number): string {
  if (ms === 0) return '0s';
  if (ms < 1000) return `${ms}ms`;
  const [hours, minutes, seconds] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, (ms % 60_000) / 1000];
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
