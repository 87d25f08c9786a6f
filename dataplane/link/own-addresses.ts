// The addresses of this process's network namespace, on all links. Callers need them often (each endpoint, each query), so a
// listing is kept for a second.
import { networkInterfaces } from 'node:os';

const freshMs = 1_000;

export function ownAddresses(list = listed, now: () => number = Date.now): () => readonly string[] {
  let addresses: readonly string[] = [];
  let untilMs = 0;
  return () => {
    if (now() >= untilMs) {
      addresses = list();
      untilMs = now() + freshMs;
    }
    return addresses;
  };
}

const listed = (): string[] =>
  Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
