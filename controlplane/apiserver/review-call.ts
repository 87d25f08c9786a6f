// Asks a program outside the server by a review: it gets a SubjectAccessReview or a TokenReview with a spec, and answers with the
// status. Source: "Webhook Mode" and "Webhook Token Authentication" in the reference.
import type { Clock } from '../base/clock';
import type { Transport } from '../client/client';
import { isRecord } from './rest/decode';

export interface ReviewTarget {
  readonly transport: Transport;
  /** '' when the URL of the transport has a path of its own. */
  readonly path: string;
  /** authentication.k8s.io/v1 */
  readonly apiVersion: string;
  readonly kind: string;
  /** Of one question, all tries together. */
  readonly timeoutMs: number;
}

const maxAnswerBytes = 1024 * 1024;
/** Too many requests, an internal error, a timeout. */
const repeatable: ReadonlySet<number> = new Set([429, 500, 504]);
/** A try that may succeed when it is repeated. */
class Transient extends Error {}
const maxTries = 5;
const firstPauseMs = 500;
const pauseFactor = 1.5;

/**
 * The status of the answer. A passing fault is tried again after pauses that grow, as upstream.
 * @throws Error when there is no answer in time, or no review
 */
export async function askReview(
  target: ReviewTarget,
  spec: object,
  clock: Pick<Clock, 'sleep'>,
): Promise<Readonly<Record<string, unknown>>> {
  const signal = AbortSignal.timeout(target.timeoutMs);
  for (let tries = 1, pauseMs = firstPauseMs; ; tries++, pauseMs *= pauseFactor) {
    try {
      return await call(target, spec, signal);
    } catch (error) {
      if (!(error instanceof Transient) || tries === maxTries) throw error;
      await clock.sleep(pauseMs, signal);
    }
  }
}

async function call({ transport, path, apiVersion, kind }: ReviewTarget, spec: object, signal: AbortSignal) {
  const { status, body } = await transport.send({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ apiVersion, kind, spec }),
    signal,
  });
  const text = await readAll(body);
  if (repeatable.has(status)) throw new Transient(`status ${status}`);
  if (status < 200 || status > 299) throw new Error(`status ${status}`);
  const review: unknown = JSON.parse(text);
  const answer = isRecord(review) ? review['status'] : undefined;
  if (!isRecord(answer)) throw new Error(`the answer is no ${kind} with a status`);
  return answer;
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new Error(`the answer is larger than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
