// Changes under constant load: a client that accounts for every request loses none.
import { connectInNetns } from '../../../dataplane/netns/connect';
import { Backend } from '../../lib/backend';
import { Ledger } from '../../lib/ledger';
import { addresses, type Place, type ServiceLab } from '../../lib/service-lab';
import { NodeRules } from '../../lib/service-rules';
import { type ServiceCases, web } from './cases';

/** Pods and the node use the ClusterIP (pod a sometimes reaches itself), outside clients a node port; two keep their connections. */
function load(lab: ServiceLab): Ledger[] {
  const ledger = (from: Place, host: string, port: number, connection: 'new' | 'kept') =>
    new Ledger({
      connection,
      workers: 2,
      connect: (signal) => connectInNetns(lab.at[from], { host, port, signal }),
    });
  return [
    ledger('b', '10.96.3.7', 80, 'new'),
    ledger('a', '10.96.3.7', 80, 'new'),
    ledger('node', '10.96.3.7', 80, 'new'),
    ledger('outside', addresses.node, 30080, 'new'),
    ledger('b', '10.96.3.7', 80, 'kept'),
    ledger('outside', addresses.node, 30080, 'kept'),
  ];
}
const all = (ledgers: readonly Ledger[], wait: (ledger: Ledger) => Promise<void>) => Promise.all(ledgers.map(wait));

export const underLoadCases: ServiceCases = {
  'a rolling replacement of all endpoints loses no request': async (t, lab, rules) => {
    let serving = [await Backend.start(lab, 'a', 9000), await Backend.start(lab, 'far', 9000)];
    const write = (leaving: readonly Backend[] = []) =>
      rules.apply(
        web(
          [...serving.map((one) => one.endpoint()), ...leaving.map((one) => one.terminating())],
          {},
          { nodePort: 30080 },
        ),
      );
    await write();
    const ledgers = load(lab);
    await all(ledgers, (ledger) => ledger.answeredBy(undefined, 4));
    for (let generation = 1; generation <= 4; generation++) {
      for (const place of ['a', 'far'] as const) {
        const next = await Backend.start(lab, place, 9000 + generation);
        const [old] = serving.filter((one) => one.place === place) as [Backend];
        serving = [...serving.filter((one) => one !== old), next];
        await write([old]);
        old.drain();
        // All requests from before the change have their answers, and the clients with kept connections use the new backend.
        await all(ledgers, (ledger) => ledger.turnover());
        await all(ledgers, (ledger) => ledger.answeredBy(undefined, 4));
        await write();
        await old.stop();
      }
    }
    await all(ledgers, (ledger) => ledger.stop());
    for (const [i, { sent, counts, lost }] of ledgers.entries()) {
      t.equal(lost, 0, `client ${i}: ${JSON.stringify(counts)}`);
      t.equal(
        sent,
        counts.answered + counts.refused + counts.reset + counts.timedOut,
        'every request is accounted for',
      );
    }
  },

  'a drain: pods leave the node one after the other, and the last pod serves until its end': async (t, lab, rules) => {
    const here = [
      await Backend.start(lab, 'a', 9000),
      await Backend.start(lab, 'a', 9001),
      await Backend.start(lab, 'b', 9000),
    ];
    const there = await Backend.start(lab, 'far', 9000);
    const local = { externalLocal: true, internalLocal: true };
    await rules.apply(
      web(
        [...here, there].map((one) => one.endpoint()),
        local,
        { nodePort: 30080 },
      ),
    );
    const ledgers = load(lab);
    await all(ledgers, (ledger) => ledger.answeredBy(undefined, 4));
    for (let gone = 1; gone <= here.length; gone++) {
      const leaving = here.slice(0, gone).map((one) => one.terminating());
      await rules.apply(
        web([...leaving, ...[...here.slice(gone), there].map((one) => one.endpoint())], local, { nodePort: 30080 }),
      );
      await all(ledgers, (ledger) => ledger.turnover());
      await all(ledgers, (ledger) => ledger.answeredBy(undefined, 4));
    }
    await all(ledgers, (ledger) => ledger.stop());
    for (const [i, { counts, lost, answers }] of ledgers.entries()) {
      t.equal(lost, 0, `client ${i}: ${JSON.stringify(counts)}`);
      t.notOk(answers.has(there.name), 'under policy Local no client reaches another node');
    }
  },

  'a restart of the process under load resets no connection': async (t, lab, rules) => {
    const pods = [await Backend.start(lab, 'a', 9000), await Backend.start(lab, 'far', 9000)];
    const service = web(
      pods.map((one) => one.endpoint()),
      {},
      { nodePort: 30080 },
    );
    await rules.apply(service);
    const ledgers = load(lab);
    for (let restart = 0; restart < 3; restart++) {
      await all(ledgers, (ledger) => ledger.answeredBy(undefined, 4));
      const next = NodeRules.open(lab);
      await next.apply(service);
      await next.change('shop/other', { ...service, key: 'shop/other', clusterIp: '10.96.3.8', ports: [] });
    }
    await all(ledgers, (ledger) => ledger.answeredBy(undefined, 4));
    await all(ledgers, (ledger) => ledger.stop());
    for (const [i, { counts, lost }] of ledgers.entries()) t.equal(lost, 0, `client ${i}: ${JSON.stringify(counts)}`);
  },
};
