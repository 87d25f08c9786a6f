// The client of a leader: it writes only while no other process can lead. A process that was frozen for longer than its Lease (SIGSTOP, a
// stopped machine) goes on in the middle of its work when it wakes, with copies that are old; its writes then wait for the next renewal.
// It is no fence: a write on its way when the process freezes arrives later. For that, writes have preconditions.
import type { Client } from './client';

export interface Leadership {
  /** Undefined while no other process can lead. Else resolves after the next renewal, and rejects when the Lease is lost. */
  confirm(): undefined | Promise<void>;
}

/** Reads pass at once. */
export function leadingClient(client: Client, leadership: Leadership): Client {
  const confirmed = async <T>(write: () => Promise<T>): Promise<T> => {
    const waiting = leadership.confirm();
    if (waiting) await waiting;
    return write();
  };
  return {
    get: (...args) => client.get(...args),
    list: (...args) => client.list(...args),
    watch: (...args) => client.watch(...args),
    create: (...args) => confirmed(() => client.create(...args)),
    update: (...args) => confirmed(() => client.update(...args)),
    patch: (...args) => confirmed(() => client.patch(...args)),
    delete: (...args) => confirmed(() => client.delete(...args)),
    post: (...args) => confirmed(() => client.post(...args)),
  };
}
