// Kubernetes' order of the versions of a group: v10, v2, v1, v11beta2, v10beta3, v3beta1, v12alpha1, then texts that are not such a
// version. Discovery has this order, and clients prefer the first version.

interface Version {
  readonly stage: number;
  readonly major: number;
  readonly minor: number;
}
const stages = ['alpha', 'beta', ''];

function parse(text: string): Version | undefined {
  const found = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/.exec(text);
  return found
    ? { major: Number(found[1]), stage: stages.indexOf(found[2] ?? ''), minor: Number(found[3] ?? 0) }
    : undefined;
}

/** Negative when `a` comes before `b`. */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [parse(a), parse(b)];
  if (x && y) return y.stage - x.stage || y.major - x.major || y.minor - x.minor;
  if (x || y) return x ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
