// Packets that no longer belong to a connection: the rules drop harmful packets, and let packets pass that end a connection.
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { connectInNetns } from '../../../dataplane/netns/connect';
import { receiveRaw, sendRaw, tcpData } from '../../lib/raw-packets';
import { service, servicePort } from '../../lib/service-fixture';
import { addresses, type ServiceLab } from '../../lib/service-lab';
import { at, type ServiceCases } from './cases';

const port = 7000;
const clusterIp = '10.96.3.7';

/** An echo server at pod a; `accepted` is its side of the first connection. */
async function echoAt(lab: ServiceLab): Promise<{ readonly accepted: Promise<Socket> }> {
  const accepted = Promise.withResolvers<Socket>();
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (data) => socket.write(data));
    sockets.push(socket);
    accepted.resolve(socket);
  });
  await new Promise<void>((resolve) => lab.at.a.enter(() => server.listen(port, resolve)));
  lab.defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { accepted: accepted.promise };
}

const echo = service('shop/echo', clusterIp, { ports: [servicePort({ port, endpoints: [at('a', { port })] })] });

async function say(socket: Socket, text: string): Promise<string> {
  const answer = once(socket, 'data', { signal: AbortSignal.timeout(10_000) });
  socket.write(text);
  return String((await answer)[0]);
}

/** The sequence number of the client's next byte, seen at the pod. A word has four letters and holds the number of earlier words. */
async function nextSequence(lab: ServiceLab, socket: Socket): Promise<number> {
  let sent = 0;
  const again = async () => void (await say(socket, String(sent++).padStart(4, '0')));
  for (;;) {
    const { payload } = await receiveRaw(lab.at.a, 'tcp', again);
    const data = payload.subarray((payload[12]! >> 4) * 4).toString('latin1');
    if (data.length === 4) return (payload.readUInt32BE(4) + 4 * (sent - Number(data))) >>> 0;
  }
}

export const latePacketCases: ServiceCases = {
  'a late answer does not reach the client from the address of the pod': async (t, lab, rules) => {
    await rules.apply(echo);
    const { accepted } = await echoAt(lab);
    const socket = await connectInNetns(lab.at.b, { host: clusterIp, port });
    const { remotePort = 0 } = await accepted;
    const next = await nextSequence(lab, socket);
    // The packet is out of the window, so conntrack does not translate it back. A client that received it would send a reset to
    // the pod, with the sequence number that this packet acknowledges, and the pod would accept the reset.
    await sendRaw(
      lab.at.a,
      tcpData(
        {
          source: addresses.a,
          sourcePort: port,
          destination: addresses.b,
          destinationPort: remotePort,
          sequence: (next + 0x40000000) >>> 0,
          acknowledge: next,
        },
        'boom',
      ),
    );
    for (const word of ['two', 'three']) t.equal(await say(socket, word), word, 'the connection lives');
    socket.destroy();
  },

  'a reset passes, also without a conntrack entry of its connection': async (t, lab, rules) => {
    await rules.apply(echo);
    const { accepted } = await echoAt(lab);
    // The connection goes directly to the pod: it needs no translation, so it continues without a conntrack entry.
    const socket = await connectInNetns(lab.at.b, { host: addresses.a, port });
    t.equal(await say(socket, 'one'), 'one');
    const far = await accepted;
    const ended = new Promise<void>((resolve) => far.once('close', () => resolve()));
    await lab.exec.run(['conntrack', '-D', '-p', 'tcp', '--orig-port-dst', String(port)]);
    socket.resetAndDestroy();
    await ended;
    t.ok(far.destroyed, 'the reset reaches the server at once');
  },
};
