// Versions of the CSI interface that a driver names. Pure.

/** A number for each part between the dots. */
export type Version = readonly number[];

/** Undefined for text that is no version. A `v` in front is allowed, and what follows a `-` or `+` does not count. */
export function parseVersion(text: string): Version | undefined {
  const found = /^v?(\d{1,9}(?:\.\d{1,9})+)(?:[-+].*)?$/.exec(text.trim());
  return found?.[1]?.split('.').map(Number);
}

export function compareVersions(a: Version, b: Version): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The highest version that the kubelet can speak: any below 2. Undefined when there is none. */
export function highestSupported(texts: readonly string[]): Version | undefined {
  return texts
    .map(parseVersion)
    .filter((version) => version !== undefined && version[0]! <= 1)
    .sort((a, b) => compareVersions(b!, a!))[0];
}
