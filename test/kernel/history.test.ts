// Some seeds of hack/history: servers under faults, on both stores, and a checked history of all that their clients saw.
import t from 'tap';
import { possibleFaults } from '../history/runner/faults';
import { countOutcomes, runSeed } from '../history/runner/run';

t.setTimeout(540_000);

/** Seed 350 kills the member that leads, and then sets the link of the next leader down for two seconds. */
const runs = [
  { store: 'sqlite', servers: 1, members: 1, seeds: [1, 2] },
  { store: 'etcd', servers: 3, members: 3, seeds: [350] },
] as const;
const seconds = 5;
const writes: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'delete']);

for (const { store, servers, members, seeds } of runs) {
  for (const seed of seeds) {
    t.test(`seed ${seed} on ${store} with ${servers} servers`, async (t) => {
      const faults = possibleFaults({ store, isRoot: true, members });
      const { history, problems, faults: made } = await runSeed({ seed, store, servers, members, seconds, faults });
      t.comment(JSON.stringify(made), JSON.stringify(Object.fromEntries(countOutcomes(history.operations))));
      t.ok(
        history.operations.some(({ op, outcome }) => writes.has(op) && outcome === 'done'),
        'clients have worked',
      );
      const again = `hack/history --seed ${seed} --store ${store} --servers ${servers} --members ${members} --time ${seconds}`;
      t.strictSame(
        problems.map(({ check, message }) => `${check}: ${message}`),
        [],
        again,
      );
    });
  }
}
