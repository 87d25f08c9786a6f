// The addresses of this machine, on all its links. They are asked for often (each endpoint, each question), so a listing serves for a moment.
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
