// Which connections the kernel lets through, compared with what is expected of each.
import type { Place, PolicyLab } from './policy-lab';

export interface Probe {
  readonly from: Place;
  /** A pod, node or address. */
  readonly host: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
  readonly expected: boolean;
}

/** What is expected to be closed is given this long after all else has answered; slower machines only see less. */
const graceMs = 300;
/** What is expected to be open and does not answer within this is closed. */
const limitMs = 40_000;

/**
 * Tries all at once. Ends when everything that should be open has answered, and a moment later: a packet that is dropped says
 * nothing. Returns those that came out otherwise than expected.
 */
export async function tryAll(lab: PolicyLab, probes: readonly Probe[]): Promise<string[]> {
  const stop = new AbortController();
  const limit = setTimeout(() => stop.abort(new Error('limit')), limitMs);
  const attempts = probes.map(async (probe) => {
    const ask = probe.protocol === 'TCP' ? lab.ask.bind(lab) : lab.askUdp.bind(lab);
    return ask(probe.from, probe.host, probe.port, stop.signal).then(
      () => true,
      (err: unknown) => (stop.signal.aborted ? false : Promise.reject(err)),
    );
  });
  const settled = Promise.all(attempts);
  settled.catch(() => {});
  try {
    await Promise.all(attempts.filter((_, i) => probes[i]!.expected));
    if (probes.some(({ expected }) => !expected)) await new Promise((resolve) => setTimeout(resolve, graceMs));
  } finally {
    clearTimeout(limit);
    stop.abort(new Error('enough'));
  }
  const open = await settled;
  return probes.flatMap((probe, i) => {
    const { from, host, port, protocol, expected } = probe;
    if (open[i] === expected) return [];
    return [`${from} to ${host}:${port}/${protocol} is ${open[i] ? 'open' : 'closed'}`];
  });
}
