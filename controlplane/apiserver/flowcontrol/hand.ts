// Shuffle sharding: each flow has a hand of a few queues of its level, chosen by its hash. A flow that floods its hand leaves nearly every
// other flow at least one queue.
import { createHash } from 'node:crypto';

/** 60 bits decide a hand: the API allows no hand that needs more. */
export function flowHash(schema: string, distinguisher: string): bigint {
  return (
    createHash('sha256')
      .update(JSON.stringify([schema, distinguisher]))
      .digest()
      .readBigUInt64BE() >> 4n
  );
}

/** `size` different numbers below `queues`. Needs time for the hand only: a deck may have millions of queues. */
export function deal(hash: bigint, queues: number, size: number): readonly number[] {
  const hand: number[] = [];
  let rest = hash;
  for (let left = queues; hand.length < Math.min(size, queues); left--) {
    let card = Number(rest % BigInt(left));
    rest /= BigInt(left);
    // The card counts only queues that are not in the hand yet.
    for (const taken of hand.toSorted((a, b) => a - b)) if (taken <= card) card++;
    hand.push(card);
  }
  return hand;
}
