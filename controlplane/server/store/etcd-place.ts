// A store in etcd. Servers may use it: a read is as of one revision.
import { rm } from 'node:fs/promises';
import { systemClock } from '../../base/clock';
import { AlreadyExists, describeError, Unavailable } from '../../base/errors';
import { silentLogger } from '../../base/logger';
import { EtcdConnection, type EtcdOptions } from '../../store/etcd/connection';
import { EtcdStore } from '../../store/etcd/etcd-store';
import { mainOf } from '../../store/etcd/layout';
import { alarmAction, noSpaceAlarm } from '../../store/etcd/protocol';
import { fillingKey, openShifted, ShiftedStore, shiftKey, shiftOf } from '../../store/shifted-store';
import type { Store } from '../../store/store';
import { rootPrefix } from '../../store/tools/contents';
import type { NewStore, Source, StorePlace } from './places';
import { saveContents } from './save';
import type { Compacted } from './socket';

/** Servers renew Leases more often. */
const quietMs = 5_000;
/** A member that gives space back answers nothing meanwhile; a large one takes a minute. */
const defragmentMs = 300_000;
const pageSize = 500;

export class EtcdPlace implements StorePlace {
  readonly name: string;

  readonly toReplace =
    'Stop all servers; --force then replaces them, and keeps them as a backup next to the one that is restored';

  constructor(private readonly options: EtcdOptions) {
    this.name = `etcd at ${options.endpoints.map(({ host, port }) => `${host}:${port}`).join(',')}`;
  }

  exists(): Promise<boolean> {
    return this.with(
      async (store) => !(await store.get(fillingKey)) && (await store.range('', { limit: 1 })).items.length > 0,
    );
  }

  read<T>(_scratchDir: string, _signal: AbortSignal, work: (source: Source) => Promise<T>): Promise<T> {
    return this.with((store) => work({ what: this.name, faults: () => [], open: () => openShifted(store) }));
  }

  readStopped<T>(signal: AbortSignal, work: (store: Store) => Promise<T>): Promise<T> {
    return this.with(async (store) => {
      const before = await store.revision();
      const [result] = await Promise.all([work(await openShifted(store)), systemClock.sleep(quietMs, signal)]);
      if ((await store.revision()) === before) return result;
      throw new Unavailable(`${this.name} has changed meanwhile: stop all servers first`);
    });
  }

  newest(): Promise<number> {
    return this.with(async (store) => (await store.revision()) + (await shiftOf(store)));
  }

  make<T>({ revision, replace, signal }: NewStore, work: (store: Store) => Promise<T>) {
    const fill = async (store: Store): Promise<T> => {
      const result = await work(await shiftTo(store, revision));
      await store.delete(fillingKey);
      return result;
    };
    return this.with(async (store): Promise<{ readonly result: T; readonly kept?: string }> => {
      // What a run that was cut off has left.
      if (await store.get(fillingKey)) await clear(store);
      const { items } = await store.range('', { limit: 1 });
      if (!items[0]) {
        await markFilling(store);
        try {
          return { result: await fill(store) };
        } catch (error) {
          await clear(store);
          throw error;
        }
      }
      if (!replace) {
        throw new AlreadyExists(`${this.name} is not empty: it has ${items[0].key}. ${this.toReplace}`);
      }
      await this.keep(store, replace.keepAt, signal);
      replace.onKept();
      await markFilling(store);
      try {
        await clearValues(store);
        return { result: await fill(store), kept: replace.keepAt };
      } catch (error) {
        // The mark stays, so that no server starts with a part of the objects, or with none.
        const next = `Servers refuse ${this.name} until a restore has ended; its former objects are in ${replace.keepAt}`;
        throw new Unavailable(`${describeError(error)}. ${next}`, { cause: error });
      }
    });
  }

  /** A backup of what is going to be replaced. @throws Unavailable while a server writes */
  private async keep(store: Store, path: string, signal: AbortSignal): Promise<void> {
    const before = await store.revision();
    await Promise.all([
      saveContents(await openShifted(store), path, { replace: false, signal }),
      systemClock.sleep(quietMs, signal),
    ]);
    if ((await store.revision()) === before) return;
    await rm(path);
    throw new Unavailable(`${this.name} has changed meanwhile: stop all servers first`);
  }

  /** The member that gives space back answers no requests meanwhile, so one follows another. */
  async compact(_signal: AbortSignal): Promise<readonly Compacted[]> {
    const limits = { writeMs: defragmentMs };
    const revision = await this.with(async (store) => {
      const own = await store.revision();
      const etcd = await EtcdConnection.open({ ...this.options, limits });
      try {
        await etcd.write('Compact', { revision: mainOf(own), physical: true });
      } finally {
        etcd.close();
      }
      return own + (await shiftOf(store));
    });
    const all: Compacted[] = [];
    for (const endpoint of this.options.endpoints) {
      const member = await EtcdConnection.open({ ...this.options, endpoints: [endpoint], limits });
      try {
        const { dbSize: before } = await member.read('Status', {});
        await member.write('Defragment', {});
        const { dbSize: after } = await member.read('Status', {});
        all.push({ what: `etcd at ${endpoint.host}:${endpoint.port}`, revision, before, after });
      } finally {
        member.close();
      }
    }
    await this.clearSpaceAlarms();
    return all;
  }

  /** A member that had no space refuses writes until its alarm is cleared; it raises a new one if there is no space still. */
  private async clearSpaceAlarms(): Promise<void> {
    const etcd = await EtcdConnection.open(this.options);
    try {
      const { alarms } = await etcd.read('Alarm', { action: alarmAction.get });
      for (const { memberID, alarm } of alarms) {
        if (alarm === noSpaceAlarm) await etcd.write('Alarm', { action: alarmAction.deactivate, memberID, alarm });
      }
    } finally {
      etcd.close();
    }
  }

  /** The store with etcd's own revisions. */
  private async with<T>(work: (store: Store) => Promise<T>): Promise<T> {
    const store = await EtcdStore.open(this.options, { clock: systemClock, log: silentLogger });
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  }
}

/** The store, whose next write gets a greater revision than this one. */
async function shiftTo(store: Store, revision: number): Promise<Store> {
  const missing = Math.max(0, revision - (await store.revision()));
  const shift = Math.ceil(missing / store.step) * store.step;
  const present = await store.get(shiftKey);
  const value = Buffer.from(String(shift));
  if (present) await store.update(shiftKey, value, present.modRevision);
  else await store.create(shiftKey, value);
  return new ShiftedStore(store, shift);
}

/** Servers refuse the store from now on. */
const markFilling = (store: Store) => store.create(fillingKey, Buffer.from(new Date(systemClock.now()).toISOString()));

/** Deletes all values with their claims, and the mark at the end: a clearing that is cut off is begun again. */
async function clear(store: Store): Promise<void> {
  await clearValues(store);
  await store.delete(fillingKey);
}

async function clearValues(store: Store): Promise<void> {
  for (;;) {
    const { items, more } = await store.range(rootPrefix, { limit: pageSize });
    await Promise.all(items.map(({ key }) => store.delete(key)));
    if (!more) break;
  }
}
