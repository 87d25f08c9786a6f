// A short run of hack/traffic on a cluster of its own: no request is lost that test/traffic/README.md does not allow.
import t from 'tap';
import { outcomes, renderAccounts, ways } from '../traffic/accounts';
import { runTraffic } from '../traffic/run';

t.test('requests while processes are killed, pods are replaced and the API server is down', async (t) => {
  const { accounts, faults } = await runTraffic({
    name: `traffic-${process.pid}`,
    nodes: 3,
    seed: 1,
    timeSeconds: 60,
    faults: ['api-down', 'rollout', 'drain', 'pod-kill', 'kube-proxy', 'dns', 'ingress', 'kubelet', 'docker'],
    rate: 2,
    downSeconds: 15,
    lossSeconds: 0,
    servers: ['server'],
    write: (text) => t.comment(text.trimEnd()),
  });
  t.comment(renderAccounts(accounts));
  t.strictSame(
    accounts.losses.filter(({ excuse }) => excuse === undefined),
    [],
  );
  const { rows } = accounts;
  t.strictSame(new Set(rows.map(({ way }) => way)), new Set(ways));
  for (const { way, connection, sent, counts } of rows) {
    const sum = outcomes.reduce((total, outcome) => total + counts[outcome], 0);
    t.equal(sum, sent, `${way}, ${connection} connections: each request is accounted for`);
    t.ok(counts.ok > sent / 2, `${way}, ${connection} connections: ${counts.ok} of ${sent} were answered`);
  }
  t.ok(faults.every(({ until }) => until !== undefined) && faults.length > 5, `${faults.length} faults were mended`);
});
