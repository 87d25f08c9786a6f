// Tries connections through the kernel, and compares each result with the expected one.
import type { Place, PolicyLab } from './policy-lab';

export interface Probe {
  readonly from: Place;
  /** A pod, node or address. */
  readonly host: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
  readonly expected: boolean;
}

/** Connections that should be closed have this time after all others have answered; a slow machine may miss an open one. */
const graceMs = 300;
/** A connection that should be open but does not answer within this time counts as closed. */
const limitMs = 40_000;

/**
 * Tries all at once. Ends a moment after all connections that should be open have answered: a dropped packet causes no answer.
 * Returns the connections with another result than expected.
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
