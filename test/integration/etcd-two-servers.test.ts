import t from 'tap';
import { twoServersContract } from '../contract/two-servers';
import { startEtcd } from '../lib/etcd';

t.setTimeout(180_000);

twoServersContract(t, async (t) => ({ kind: 'etcd', endpoints: [(await startEtcd(t)).endpoint] }));
