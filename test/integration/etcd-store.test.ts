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
  const open = async () => {
    await etcd.clear();
    return EtcdStore.open({ endpoints: [etcd.endpoint] });
  };
  storeContract(t, async () => OrdinalStore.open(await open()), false);
}
