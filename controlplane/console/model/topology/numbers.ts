// Rates and sums as short texts: 3.4 kB/s. The units are those of the SI and need no translation.

const units = ['', 'k', 'M', 'G', 'T'] as const;

/** Three digits at most: 0.4, 12, 3.4k. */
export function short(value: number): string {
  let rest = value;
  let unit = 0;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit++;
  }
  const text = rest >= 9.95 || rest === 0 ? rest.toFixed(0) : rest.toFixed(1);
  return `${text.replace(/\.0$/, '')}${units[unit]}`;
}

export const bytesSum = (bytes: number): string => `${short(bytes).replace(/([kMGT]?)$/, ' $1')}B`;
export const bytesRate = (perSecond: number): string => `${bytesSum(perSecond)}/s`;

/** How busy a link is, in four steps: it is drawn so wide and so fast. */
export function busyness({
  openedPerSecond,
  packetsPerSecond,
}: {
  readonly openedPerSecond: number;
  readonly packetsPerSecond: number;
}): 0 | 1 | 2 | 3 | 4 {
  const perSecond = Math.max(openedPerSecond * 5, packetsPerSecond);
  if (perSecond <= 0) return 0;
  if (perSecond < 10) return 1;
  if (perSecond < 100) return 2;
  return perSecond < 1_000 ? 3 : 4;
}
