// One bounded probe from inside a network namespace: a real packet, and what came of it.
import type { Netns } from '../netns/netns';
import { Attempt } from './attempt';
import { probeIcmp, probeUdp } from './datagram';
import { probeHttp, probeHttps } from './http';
import { checkRequest, type ProbeRequest, type ProbeResult } from './request';
import { CallFailed } from './socket';
import { probeTcp } from './stream';

/** Each starts its probe and returns at once; the attempt ends it. */
const starts: Readonly<
  Record<ProbeRequest['protocol'], (netns: Netns, request: ProbeRequest, attempt: Attempt) => void>
> = { tcp: probeTcp, udp: probeUdp, icmp: probeIcmp, http: probeHttp, https: probeHttps };

/**
 * Sends one probe and waits for its outcome, at most `timeoutMs`. What the network does is a result, never an error. When the
 * promise settles, the probe's socket is closed and no timer is left. Not repeated: one call, one probe.
 * @throws BadRequest for a wrong request, NotFound when the namespace is gone, Forbidden without the right to open the socket,
 * Unavailable without descriptors, or the reason of `signal`
 */
export async function probe(netns: Netns, request: ProbeRequest, signal?: AbortSignal): Promise<ProbeResult> {
  checkRequest(request);
  signal?.throwIfAborted();
  const attempt = new Attempt(request, signal);
  try {
    starts[request.protocol](netns, request, attempt);
  } catch (err) {
    // An error of the caller or of the machine has no outcome; finish() only closes what is open.
    if (!(err instanceof CallFailed)) {
      attempt.finish('failed');
      throw err;
    }
    attempt.fail(err);
  }
  return await attempt.result;
}
