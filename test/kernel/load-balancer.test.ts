// Load balancer addresses on a real link: which node answers ARP for them, which packets arrive, and how an address moves.
import t from 'tap';
import { nodes } from '../../controlplane/api/index';
import { Scope } from '../../controlplane/base/scope';
import { type Arp, etherTypes, gratuitousArp, parseArp } from '../../dataplane/announce/frames';
import { connectInNetns } from '../../dataplane/netns/connect';
import { openPacketSocket, type PacketSocket } from '../../dataplane/netns/packet-socket';
import type { ProxyMode } from '../../dataplane/service/mode';
import { AnnounceLab, clientAddress, type NodeName, nodeAddress, nodeNames, serveName } from '../lib/announce-lab';
import { skipWithoutKernel } from '../lib/netns';

t.setTimeout(300_000);

const address = '192.168.57.240';
/** Only turns an endless wait into a failure that names the node. */
const returnMs = 60_000;
/** Each node answers for one of these addresses. Its answer shows that the node has read all earlier requests. */
const marks = { n1: '192.168.57.231', n2: '192.168.57.232', n3: '192.168.57.233' } as const;

/** The client's view of the link. */
class Neighbour {
  private readonly replies: Arp[] = [];
  private wake = Promise.withResolvers<void>();
  private readonly socket: PacketSocket;
  readonly mac: string;

  constructor(
    private readonly lab: AnnounceLab,
    mac: string,
  ) {
    this.mac = mac;
    this.socket = openPacketSocket(lab.outside, {
      link: 'eth0',
      protocol: etherTypes.arp,
      onFrame: (frame) => {
        const arp = parseArp(frame);
        if (arp?.operation !== 'reply' || arp.targetIp !== clientAddress) return;
        this.replies.push(arp);
        this.wake.resolve();
        this.wake = Promise.withResolvers();
      },
      onError: (err) => {
        throw err;
      },
    });
    lab.defer(() => this.socket.close());
  }

  /** Announces that the client itself has the address. */
  claim(ip: string): void {
    for (const frame of gratuitousArp(ip, this.mac)) this.socket.send(frame);
  }

  ask(ip: string): void {
    const bytes = (text: string) => Buffer.from(text.split('.').map(Number));
    const own = Buffer.from(this.mac.replaceAll(':', ''), 'hex');
    const fixed = Buffer.from([0, 1, 8, 0, 6, 4, 0, 1]);
    const body = [fixed, own, bytes(clientAddress), Buffer.alloc(6), bytes(ip)];
    this.socket.send(Buffer.concat([Buffer.alloc(6, 0xff), own, Buffer.from([8, 6]), ...body]));
  }

  /** The MAC addresses of all answers for `ip`: complete, since every node in `of` answers for its mark afterwards. */
  async answers(ip: string, of: readonly NodeName[] = nodeNames): Promise<string[]> {
    // When the marks are answered, all earlier requests are answered too.
    await this.passed(of);
    this.ask(ip);
    await this.passed(of, ip);
    return [...new Set(this.replies.filter(({ senderIp }) => senderIp === ip).map(({ senderMac }) => senderMac))];
  }

  /** Waits until only one node answers. Nodes learn of a change one after the other, so two may answer for a moment. */
  async owner(ip: string, of: readonly NodeName[] = nodeNames): Promise<NodeName> {
    for (;;) {
      const macs = await this.answers(ip, of);
      const owner = nodeNames.find((name) => this.lab.nodes[name].mac === macs[0]);
      if (macs.length === 1 && owner) return owner;
    }
  }

  private async passed(of: readonly NodeName[], ...keep: string[]): Promise<void> {
    const kept = this.replies.filter(({ senderIp }) => keep.includes(senderIp));
    this.replies.splice(0, this.replies.length, ...kept);
    for (const name of of) {
      // During an election no node may answer, so the request is repeated. The link itself loses nothing.
      while (!this.replies.some((one) => one.senderIp === marks[name])) {
        this.ask(marks[name]);
        await Promise.race([this.wake.promise, new Promise((resolve) => setTimeout(resolve, 100))]);
      }
    }
  }

  /** Repeats until a node answers for which `wanted` is true; returns the time in milliseconds. */
  async until(ip: string, wanted: (mac: string) => boolean): Promise<number> {
    const start = performance.now();
    this.replies.length = 0;
    while (!this.replies.some((one) => one.senderIp === ip && wanted(one.senderMac))) {
      this.ask(ip);
      await Promise.race([this.wake.promise, new Promise((resolve) => setTimeout(resolve, 50))]);
    }
    return Math.round(performance.now() - start);
  }
}

async function ask(lab: AnnounceLab, host: string, port: number): Promise<string> {
  try {
    const socket = await connectInNetns(lab.outside, { host, port, signal: AbortSignal.timeout(20_000) });
    let text = '';
    for await (const chunk of socket) text += chunk;
    socket.destroy();
    return text;
  } catch (err) {
    const { cause } = err as { cause?: NodeJS.ErrnoException };
    return String(cause?.code ?? err);
  }
}

/** Asks until the rules of the port are written; returns the answer. */
async function untilOpen(lab: AnnounceLab, host: string, port: number): Promise<string> {
  for (;;) {
    const answer = await ask(lab, host, port);
    if (/^n\d /.test(answer)) return answer;
  }
}

type Work = (lab: AnnounceLab, link: Neighbour) => Promise<void>;

async function withLab(fn: Work, mode: ProxyMode = 'iptables'): Promise<void> {
  const scope = new Scope();
  try {
    const lab = await AnnounceLab.open(scope, mode);
    for (const name of nodeNames) await lab.expose(`mark-${name}`, marks[name], 'Local', [name]);
    const [eth0] = JSON.parse(await lab.outside.run('ip', '-j', 'link', 'show', 'eth0'));
    const link = new Neighbour(lab, eth0.address);
    for (const name of nodeNames) {
      await link.until(marks[name], (mac) => mac === lab.nodes[name].mac);
      // While the node starts, another node may answer for the address.
      while (!lab.nodes[name].announcer.addresses.includes(marks[name])) await link.until(marks[name], () => true);
    }
    await fn(lab, link);
  } finally {
    await scope.close();
  }
}

t.test('load balancer addresses', { skip: skipWithoutKernel() }, async (t) => {
  for (const mode of ['iptables', 'nftables'] as const) {
    await t.test(`${mode}: one node answers, and traffic follows both policies`, async (t) => {
      await withLab(async (lab, link) => {
        t.same(await link.answers(address), [], 'no node has the address yet');
        await lab.expose('web', address, 'Cluster');
        await link.until(address, () => true);
        const owner = await link.owner(address);
        t.same(lab.nodes[owner].announcer.addresses, [marks[owner], address]);
        t.same(await link.answers('192.168.57.239'), [], 'no node answers for an address of no Service');
        t.match(
          await lab.nodes[owner].netns.run('ip', 'route', 'get', address),
          'dev eth0',
          'the node itself has no such address',
        );

        const seen = new Set<string>();
        for (let i = 0; i < 200 && seen.size < nodeNames.length; i++) seen.add(await ask(lab, address, 80));
        t.same(
          [...seen].sort(),
          nodeNames.map((name) => `${name} ${name === owner ? '10.244.0.1' : nodeAddress(owner)}`),
          'policy Cluster: pods of all nodes, through the announcing one',
        );
        await serveName(
          { defer: (undo) => lab.defer(undo as () => Promise<void>) },
          lab.nodes[owner].netns,
          'node',
          9999,
        );
        t.match(await ask(lab, nodeAddress(owner), 9999), /^node /);
        t.match(await ask(lab, address, 9999), /^(ECONNREFUSED|EHOSTUNREACH)$/, "but not a port of the node's own");

        // Two Services with one address: each port leads to its own Service, and one node answers for both.
        await lab.expose('shared', address, 'Cluster', ['n3'], 8443);
        t.match(await untilOpen(lab, address, 8443), /^n3 /);
        t.match(await ask(lab, address, 80), /^n\d /);
        t.equal(await link.owner(address), owner);

        await lab.expose('local', '192.168.57.241', 'Local', ['n2']);
        await link.until('192.168.57.241', (mac) => mac === lab.nodes.n2.mac);
        t.equal(await link.owner('192.168.57.241'), 'n2');
        t.equal(
          await ask(lab, '192.168.57.241', 80),
          `n2 ${clientAddress}`,
          'policy Local keeps the address of the client',
        );
        await lab.expose('nobody', '192.168.57.242', 'Local', []);
        await link.owner('192.168.57.242');
        t.equal(
          await ask(lab, '192.168.57.242', 80),
          'ECONNREFUSED',
          'without endpoints the connection is refused at once',
        );

        link.claim('192.168.57.241');
        t.same(
          await lab.nodes.n2.firstConflict(),
          [`shop/local 192.168.57.241 ${link.mac}`],
          'another machine announces the address',
        );
        t.same(
          nodeNames.flatMap((name) => (name === 'n2' ? [] : lab.nodes[name].conflicts)),
          [],
          'the node that announces the address reports the conflict',
        );
        await lab.moveEndpoints('local', ['n3']);
        await link.until('192.168.57.241', (mac) => mac === lab.nodes.n3.mac);
        t.equal(await link.owner('192.168.57.241'), 'n3');
        t.equal(
          await ask(lab, '192.168.57.241', 80),
          `n3 ${clientAddress}`,
          'the client follows without another request',
        );
      }, mode);
    });
  }

  for (const how of ['nomaster', 'down'] as const) {
    await t.test(`an address moves when its node is cut off (${how}), and returns`, async (t) => {
      await withLab(async (lab, link) => {
        await lab.expose('web', address, 'Cluster');
        await link.until(address, () => true);
        const owner = await link.owner(address);
        const others = nodeNames.filter((name) => name !== owner);
        await lab.moveEndpoints('web', others);
        t.match(await ask(lab, address, 80), /^n\d /, 'the client has learned where the address is');
        await lab.cut(owner, how);
        const tookMs = await link.until(address, (mac) => mac !== lab.nodes[owner].mac);
        t.comment(`taken over after ${tookMs} ms`);
        t.not(await link.owner(address, others), owner);
        t.match(
          await ask(lab, address, 80),
          /^n\d /,
          'and connections arrive: the announcement has changed the table of the client',
        );
        await lab.plug(owner);
        // While the link was cut, both nodes answered. When it is plugged in, only one answers; the election may first choose another node.
        const until = Date.now() + returnMs;
        let answering = await link.owner(address);
        while (answering !== owner && Date.now() < until) answering = await link.owner(address);
        t.equal(answering, owner, 'the address returns to its node');
      });
    });
  }

  await t.test(
    'after the end of a kube-proxy its addresses stay with its node for the time of a restart',
    async (t) => {
      await withLab(async (lab, link) => {
        await lab.expose('web', address, 'Cluster');
        await link.until(address, () => true);
        const owner = await link.owner(address);
        const rest = nodeNames.filter((name) => name !== owner);
        await lab.nodes[owner].stop();
        t.same(await link.answers(address, rest), [lab.nodes[owner].mac], 'another node answers in its name');
        t.match(await ask(lab, address, 80), /^n\d /, 'and its kernel carries the traffic');
        await link.until(address, (mac) => mac !== lab.nodes[owner].mac);
        t.match(await ask(lab, address, 80), /^n\d /, 'another node has taken over');
      });
    },
  );

  await t.test(
    'a kube-proxy announces its end; a node that is excluded, or has lost the API, gives its addresses up',
    async (t) => {
      await withLab(async (lab, link) => {
        await lab.expose('web', address, 'Cluster');
        await link.until(address, () => true);
        const first = await link.owner(address);
        const exclude = { metadata: { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } } };
        await lab.api.patch(nodes, first, 'merge', exclude);
        await link.until(address, (mac) => mac !== lab.nodes[first].mac);
        const rest = nodeNames.filter((name) => name !== first);
        const second = await link.owner(address, rest);

        lab.nodes[second].loseApi();
        await lab.api.patch(nodes, second, 'merge', { metadata: { labels: { changed: 'yes' } } });
        const third = rest.find((name) => name !== second)!;
        await link.until(address, (mac) => mac === lab.nodes[third].mac);
        t.equal(await link.owner(address, [third]), third);

        await lab.nodes[third].stop();
        const tookMs = await link.until(address, (mac) => mac === lab.nodes[second].mac);
        t.comment(`left and taken over after ${tookMs} ms`);
        t.same(lab.nodes[third].announcer.addresses, [], 'if no other node answers, the node without the API does');
        t.match(await ask(lab, address, 80), /^n\d /);
      });
    },
  );
});
