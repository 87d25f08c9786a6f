// Our block in /etc/hosts, between two marker lines that hold the cluster's context. Pure.

export interface HostsEntry {
  readonly address: string;
  readonly names: readonly string[];
}

const begin = (context: string) => `# BEGIN ${context} (made by hack/up, removed by hack/down)`;
const end = (context: string) => `# END ${context}`;

/** The text with the block added or renewed; all other bytes stay. */
export function withHosts(text: string, context: string, entries: readonly HostsEntry[]): string {
  const block = [begin(context), ...entries.map(({ address, names }) => `${address} ${names.join(' ')}`), end(context)];
  const rest = withoutHosts(text, context);
  const separator = rest === '' || rest.endsWith('\n') ? '' : '\n';
  return `${rest}${separator}${block.join('\n')}\n`;
}

/** The text without the block. A line break that withHosts added before the block stays. */
export function withoutHosts(text: string, context: string): string {
  const lines = text.split('\n');
  const from = lines.indexOf(begin(context));
  const to = from < 0 ? -1 : lines.indexOf(end(context), from);
  if (to < 0) return text;
  return [...lines.slice(0, from), ...lines.slice(to + 1)].join('\n');
}

/** The address that the text has for a name: the first one counts, of whichever block. */
export function addressInHosts(text: string, name: string): string | undefined {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim().split(/\s+/));
  return lines.find(([, ...names]) => names.includes(name))?.[0];
}
