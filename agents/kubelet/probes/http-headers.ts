// The header lines of a probe's request. Pure. Source: pkg/probe/http/request.go and net/http's Request.Write, by behaviour.

/** Go's client sets these itself, from other fields of a request. */
const written: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'trailer']);

/** Names and values alternate, the form of raw headers in Node.js, so that a header can occur twice. */
export function requestHeaders(
  url: URL,
  given: readonly { readonly name: string; readonly value: string }[],
): readonly string[] {
  const first = new Map<string, string>();
  for (const { name, value } of given) {
    const key = name.toLowerCase();
    if (!first.has(key)) first.set(key, value);
  }
  const lines = ['Host', first.get('host') || url.host];
  if (!first.has('user-agent')) lines.push('User-Agent', 'kube-probe/1.36');
  if (!first.has('accept')) lines.push('Accept', '*/*');
  for (const { name, value } of given) {
    const key = name.toLowerCase();
    if (key === 'host' || written.has(key)) continue;
    // With an empty value a manifest removes this header from the request.
    if ((key === 'user-agent' || key === 'accept') && first.get(key) === '') continue;
    lines.push(name, value);
  }
  if (!first.has('connection')) lines.push('Connection', 'close');
  return lines;
}
