// A process that writes to a store until it is killed, and records every acknowledgement: it writes a line `REVISION KEY VALUE`
// only after the store has acknowledged that revision. A deletion has the value "-". Each key claims
// `KEY=LENGTH` with the length of its value, so an update takes one claim and frees another.
// usage: node -r ts-node/register test/contract/store-writer.ts STORE ACKS
import { openSync, writeSync } from 'node:fs';
import { openStore } from '../../controlplane/store/open';

const writers = 8;

async function main([path = '', acks = '']: readonly string[]): Promise<void> {
  const store = await openStore({ kind: 'sqlite', path });
  const file = openSync(acks, 'a');
  const note = (revision: number, key: string, value: string) => writeSync(file, `${revision} ${key} ${value}\n`);
  const base = await store.revision();
  const work = async (writer: number) => {
    for (let i = 0; ; i++) {
      const key = `/registry/core/configmaps/w${writer}/n${base}-${i}`;
      const value = `${writer}.${i}.${'x'.repeat((i * 37) % 3_000)}`;
      const created = await store.create(key, Buffer.from(value), [`${key}=${value.length}`]);
      note(created, key, value);
      const updated = await store.update(key, Buffer.from(`${value}!`), created, [`${key}=${value.length + 1}`]);
      note(updated, key, `${value}!`);
      if (i % 2 === 0) note(await store.delete(key, updated), key, '-');
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => work(writer)));
}

void main(process.argv.slice(2));
