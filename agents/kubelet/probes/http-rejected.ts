// The head of an answer that Node.js' parser refuses and Go's client accepts: Content-Length more than once, with the same value. Pure.

/** Undefined when the packet does not contain a complete head, or when Go's client would refuse it too. */
export function headOfRejected(
  packet: Buffer,
): { readonly status: number; readonly location: string | undefined } | undefined {
  const lines = packet.toString('latin1').split('\n');
  const end = lines.findIndex((line) => line === '' || line === '\r');
  const status = /^HTTP\/1\.[01] (\d{3})(?: |\r?$)/.exec(lines[0] ?? '')?.[1];
  if (end < 0 || status === undefined) return undefined;
  const lengths = new Set<string>();
  let location: string | undefined;
  for (const line of lines.slice(1, end)) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (colon < 1 || !token.test(name)) return undefined;
    const value = line.slice(colon + 1).trim();
    if (name === 'content-length') lengths.add(value);
    if (name === 'location') location ??= value;
  }
  const [length] = lengths;
  if (lengths.size !== 1 || !/^\d+$/.test(length!)) return undefined;
  return { status: Number(status), location };
}

/** RFC 9110, 5.6.2, in lower case. */
const token = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
