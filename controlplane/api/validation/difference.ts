// What differs between two values, for messages about fields that may not change.
import { isDeepStrictEqual } from 'node:util';

/** Without undefined fields, which deep equality would count. */
export const plain = (value: object): Record<string, unknown> => JSON.parse(JSON.stringify(value));

export const isSame = (a: object | undefined, b: object | undefined): boolean =>
  isDeepStrictEqual(plain(a ?? {}), plain(b ?? {}));

/** One line for each old value (`-`) and each new value (`+`), by the names of the fields at the top. */
export function difference(before: object, after: object): string {
  const [old, now] = [plain(before), plain(after)];
  const keys = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort();
  return keys
    .filter((key) => !isDeepStrictEqual(old[key], now[key]))
    .flatMap((key) => [
      ...(key in old ? [`- ${key}: ${JSON.stringify(old[key])}`] : []),
      ...(key in now ? [`+ ${key}: ${JSON.stringify(now[key])}`] : []),
    ])
    .join('\n');
}
