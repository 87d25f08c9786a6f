// Which of the kept encodings of a file a client gets. Pure.

/** The best one first; `identity` is the file itself. */
export const encodings = ['br', 'gzip', 'identity'] as const;
export type Encoding = (typeof encodings)[number];

/** The first encoding that the Accept-Encoding header allows; the file itself when it allows none (RFC 9110, section 12.5.3). */
export function chooseEncoding(acceptEncoding: string): Encoding {
  const weights = new Map(acceptEncoding.split(',').map(parseRange));
  const weightOf = (name: string) => weights.get(name) ?? weights.get('*') ?? 0;
  return encodings.find((name) => name !== 'identity' && weightOf(name) > 0) ?? 'identity';
}

/** `gzip;q=0.5` → gzip, 0.5. A weight that is no number counts as 0. */
function parseRange(range: string): readonly [name: string, weight: number] {
  const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
  return [name, weight === undefined ? 1 : Number(weight) || 0];
}
