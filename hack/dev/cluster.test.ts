// Which cluster a command means.
import t from 'tap';
import { clusterMeant } from './cluster';

const cases: readonly (readonly [name: string, recorded: readonly string[], meant: string])[] = [
  ['', [], 'k8ts'],
  ['', ['shop'], 'shop'],
  ['', ['k8ts', 'shop'], 'k8ts'],
  ['', ['lab', 'shop'], 'k8ts'],
  ['shop', ['lab'], 'shop'],
];
for (const [name, recorded, meant] of cases) {
  t.test(`--name=${name} of ${recorded.join(', ')}`, async (t) => t.equal(clusterMeant(name, recorded), meant));
}
