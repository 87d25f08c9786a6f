// One UDP entry of the connection tracking table, as `conntrack -L` prints it.

export interface Flow {
  /** Source and destination of the first packet. */
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  /** The address that answers: the backend, or the destination itself when nothing was translated. */
  readonly replySource: string;
  readonly replySourcePort: number;
}

/** Ignores lines that are not an entry with two tuples. */
export function parseFlows(text: string): Flow[] {
  return text.split('\n').flatMap((line) => parseFlow(line) ?? []);
}

// An entry as conntrack lists it:
// udp      17 29 src=10.244.1.2 dst=10.96.0.10 sport=40000 dport=53 [UNREPLIED] src=10.244.1.9 dst=10.244.1.2 sport=53 dport=40000 mark=0 use=1
export function parseFlow(line: string): Flow | undefined {
  const fields = [...line.matchAll(/\b(src|dst|sport|dport)=(\S+)/g)].map((found) => found[2]!);
  if (!line.startsWith('udp') || fields.length < 8) return undefined;
  const [source, destination, sourcePort, destinationPort, replySource, , replySourcePort] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return {
    source,
    sourcePort: Number(sourcePort),
    destination,
    destinationPort: Number(destinationPort),
    replySource,
    replySourcePort: Number(replySourcePort),
  };
}
