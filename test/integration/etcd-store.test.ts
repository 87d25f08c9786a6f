// The store on a real etcd: the contract of all stores, and what only etcd can do.
import t from 'tap';
import { EtcdStore } from '../../controlplane/store/etcd/etcd-store';
import { storeContract } from '../contract/store';
import { startEtcd } from '../lib/etcd';
import { OrdinalStore } from '../lib/ordinal-store';

t.setTimeout(180_000);

void main();

async function main(): Promise<void> {
  const etcd = await startEtcd(t);
  const connect = () => EtcdStore.open({ endpoints: [etcd.endpoint] });
  const open = async () => {
    await etcd.clear();
    return connect();
  };
  storeContract(t, async () => OrdinalStore.open(await open(), await connect()), false);
}
