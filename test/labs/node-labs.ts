// Faults of a node as a whole: agents that do not run, the tunnel between nodes, a full table of connections.
import { applyProcesses, runningSpecs, stopProcesses } from '../../hack/dev/supervisor-control';
import { type Cluster, until } from '../e2e/cluster';
import { addressOf, far, type Lab, near, nodeIp, service, space } from './lab';

const client = `${space}/client`;

export const nodeLabs: readonly Lab[] = [
  {
    name: 'kube-proxy-stopped',
    fault: 'kube-proxy of the node does not run, and the Service is newer than its rules',
    from: client,
    to: 'svc/newer',
    codes: ['ProxyBehind'],
    breaks: async (cluster) => {
      const { runDir } = cluster.plan;
      const specs = runningSpecs(runDir);
      await stopProcesses(runDir, [`${near}/kube-proxy`]);
      await cluster.apply(JSON.stringify(service('newer', { app: 'web' })));
      await cluster.kubectl('wait', '-n', space, '--for=jsonpath={.spec.clusterIP}', 'service/newer');
      return async () => {
        await applyProcesses(runDir, specs);
        await cluster.kubectl('delete', 'service', '-n', space, 'newer');
      };
    },
  },
  {
    name: 'kubelet-stopped',
    fault: 'a route between the nodes is gone, and the kubelet, which would write it again, does not run',
    from: client,
    to: 'svc/far',
    codes: ['NodeSilent'],
    says: /kubelet of node worker-1/,
    breaks: async (cluster) => {
      const { runDir } = cluster.plan;
      const specs = runningSpecs(runDir);
      await stopProcesses(runDir, [`${near}/kubelet`]);
      const routes = await cluster.inNode(near, 'ip', 'route', 'show', 'via', nodeIp(cluster, far));
      const [range = ''] = /^10\.244\.\S+/.exec(routes) ?? [];
      await cluster.inNode(near, 'ip', 'route', 'del', range);
      // The kubelet writes the route again.
      return async () => {
        await applyProcesses(runDir, specs);
        await until('the route is back', async () => (await routesOf(cluster, near)).includes(range));
      };
    },
  },
  {
    name: 'vxlan-port-dropped',
    fault: 'packets between nodes travel in a tunnel, and a firewall drops its port',
    from: client,
    to: 'svc/far',
    codes: ['ForeignRule'],
    says: /8472.*worker-2|worker-2.*8472/s,
    breaks: async (cluster) => {
      const { runDir } = cluster.plan;
      const specs = runningSpecs(runDir);
      const tunnelled = specs.map((spec) => ({
        ...spec,
        argv: spec.argv.map((word) => (word === '--overlay=host-gw' ? '--overlay=vxlan' : word)),
      }));
      const pod = await addressOf(cluster, 'web-far');
      const inTunnel = async () => (await cluster.inNode(near, 'ip', 'route', 'get', pod)).includes('k8ts-vxlan');
      await applyProcesses(runDir, tunnelled);
      await until('nodes use the tunnel', inTunnel);
      const rule = ['INPUT', '-p', 'udp', '--dport', '8472', '-j', 'DROP'];
      await cluster.inNode(far, 'iptables', '-I', ...rule);
      return async () => {
        await cluster.inNode(far, 'iptables', '-D', ...rule);
        await applyProcesses(runDir, specs);
        await until('nodes use routes again', async () => !(await inTunnel()));
      };
    },
  },
  {
    name: 'conntrack-full',
    fault: 'the table of connections of a node is full',
    from: client,
    to: 'svc/far',
    codes: ['ConntrackFull'],
    says: /worker-1/,
    breaks: async (cluster) => {
      await cluster.inNode(near, 'bash', '-c', fillConnections);
      await cluster.kubectl('wait', '--for=condition=ConntrackFull', `node/${near}`, '--timeout=30s');
      return () => cluster.inNode(near, 'bash', '-c', emptyConnections);
    },
  },
];

const routesOf = (cluster: Cluster, node: string): Promise<string> => cluster.inNode(node, 'ip', 'route');

/** Of the ranges for tests of networks (RFC 2544): nothing of the cluster is there. */
const nowhere = '198.19.0.1';
/** The number of the process that fills the table again. */
const filler = '/run/k8ts-labs-filler.pid';
const emptyConnections = `kill "$(cat ${filler})"; rm ${filler}; conntrack -D -d ${nowhere} > /dev/null 2>&1`;
/** The limit is one of the machine, the table one of the node: so it is filled. Connections that were answered are never pushed out. */
const fillConnections = `set -o pipefail
seq 0 "$(sysctl -n net.netfilter.nf_conntrack_max)" | awk '{
  from = "198.18." int($1 / 60000) ".1"; port = 1024 + $1 % 60000
  print "-A -p tcp -s " from " -d ${nowhere} --sport " port " --dport 9 -r ${nowhere} -q " from " --reply-port-src 9 --reply-port-dst " port \
    " --state ESTABLISHED -u SEEN_REPLY,ASSURED -t 300"
}' > /tmp/fill-connections.$$
conntrack -R /tmp/fill-connections.$$ > /dev/null 2>&1 || true # The last ones find no room.
rm /tmp/fill-connections.$$
# Older connections end, and leave room: for a while it is filled again and again.
timeout 40 bash -c 'for round in {1..120}; do sleep 0.3; for one in {1..100}; do
  echo "-A -p tcp -s 198.18.9.1 -d ${nowhere} --sport $((1024 + round * 100 + one)) --dport 9 -r ${nowhere} -q 198.18.9.1 --reply-port-src 9 --reply-port-dst $((1024 + round * 100 + one)) --state ESTABLISHED -u SEEN_REPLY,ASSURED -t 300"
done > /tmp/fill-more.$$; conntrack -R /tmp/fill-more.$$; rm /tmp/fill-more.$$; done' > /dev/null 2>&1 &
echo $! > ${filler}`;
