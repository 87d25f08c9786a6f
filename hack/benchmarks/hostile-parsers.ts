// Inputs from outside to processes other than the API server: frames, DNS messages, heads of Ingress requests, endpoints that become
// rules. Each is one call, and so one turn of the event loop of its process; the figure is the time of the call.
import { FrameReader } from '../../agents/kubelet/streaming/spdy/frames';
import { parseHeaders } from '../../agents/kubelet/streaming/spdy/header-block';
import { parseQuery } from '../../dataplane/dns/message';
import { requestHead } from '../../dataplane/ingress/headers';
import { parsePath } from '../../dataplane/ingress/path';
import { compileRoutes, matchRoute, parseHost } from '../../dataplane/ingress/routes';
import { renderPlan, ServiceCompiler } from '../../dataplane/service/iptables/compiler';

export interface ParserInput {
  readonly name: string;
  /** Prepares the input; the returned function is measured. */
  readonly prepare: () => () => unknown;
}

/** A chunk of a socket is at most this large. */
const chunkBytes = 64 * 1024;
const client = { address: '192.0.2.1', tls: false, port: 80 };
const filled = (count: number, unit: string): string => unit.repeat(count);
const frame = (length: number, payload = Buffer.alloc(0)): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, 1, 0, (length >> 16) & 255, (length >> 8) & 255, length & 255]), payload]);

function question(counts: number, body: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(counts, 4);
  return Buffer.concat([head, body]);
}

const spdy: readonly ParserInput[] = [
  { name: 'SPDY: 8,000 empty frames in one chunk', prepare: () => readFrames(Buffer.alloc(chunkBytes, frame(0))) },
  { name: 'SPDY: garbage', prepare: () => readFrames(Buffer.alloc(chunkBytes, 0xa5)) },
  {
    name: 'SPDY: a frame of 30 kB, byte by byte',
    prepare: () => {
      const reader = new FrameReader();
      const bytes = frame(30_000, Buffer.alloc(30_000));
      return () => {
        for (let i = 0; i < bytes.length; i++) for (const _ of reader.push(bytes.subarray(i, i + 1)));
      };
    },
  },
  {
    name: 'SPDY: a header block of 64 kB of NUL',
    prepare: () => {
      const block = Buffer.alloc(64 * 1024);
      block.writeUInt32BE(1, 0);
      block.writeUInt32BE(1, 4);
      block.write('a', 8);
      block.writeUInt32BE(block.length - 13, 9);
      return () => parseHeaders(block);
    },
  },
];

function readFrames(bytes: Buffer): () => void {
  const reader = new FrameReader();
  return () => {
    for (const _ of reader.push(bytes));
  };
}

const dns: readonly ParserInput[] = [
  {
    name: 'DNS: 65,535 questions in 64 kB',
    prepare: () => asQuery(question(65_535, Buffer.alloc(65_000, Buffer.from([0, 0, 1, 0, 1])))),
  },
  {
    name: 'DNS: pointers to pointers',
    prepare: () => asQuery(question(10_000, Buffer.alloc(65_000, Buffer.from([0xc0, 12, 0, 1, 0, 1])))),
  },
  { name: 'DNS: 64 kB of labels', prepare: () => asQuery(question(1, Buffer.alloc(65_000, Buffer.from([1, 0x61])))) },
];

const asQuery = (bytes: Buffer) => () => parseQuery(bytes);

const rules = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    ingress: `n/i${i}`,
    createdMs: i,
    host: 'a.example',
    path: `/p${i}`,
    pathType: 'Prefix' as const,
    backend: 'n/s:80',
  }));

const ingress: readonly ParserInput[] = [
  {
    name: 'Ingress: a head of 1,000 fields',
    prepare: () => () =>
      requestHead(
        Array.from({ length: 2_000 }, (_, i) => `a${i}`),
        client,
      ),
  },
  {
    name: 'Ingress: Connection of 16 kB',
    prepare: () => () => requestHead(['Host', 'a', 'Connection', filled(5_000, 'a, ')], client),
  },
  {
    name: 'Ingress: TE of 16 kB',
    prepare: () => () => requestHead(['Host', 'a', 'TE', `,${filled(16_000, ' ')}x`], client),
  },
  { name: 'Ingress: a path of 16 kB of dots', prepare: () => () => parsePath(filled(5_000, '/..')) },
  { name: 'Ingress: a path of 16 kB of escapes', prepare: () => () => parsePath(`/${filled(5_000, '%2f')}`) },
  { name: 'Ingress: Host of 16 kB', prepare: () => () => parseHost(filled(8_000, 'a.')) },
  {
    name: 'Ingress: a path of 16 kB against 20,000 rules of one host',
    prepare: () => {
      const table = compileRoutes(rules(20_000), []);
      return () => matchRoute(table, 'a.example', filled(8_000, '/p'));
    },
  },
  { name: 'Ingress: a table of 20,000 rules of one host', prepare: () => () => compileRoutes(rules(20_000), []) },
];

const endpoints = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    address: `10.1.${(i >> 8) & 255}.${i & 255}`,
    port: 80,
    ready: true,
    serving: true,
    terminating: false,
    local: false,
  }));

const service = {
  key: 'n/s',
  clusterIp: '10.96.0.9',
  externalIps: [],
  loadBalancerIps: [],
  internalLocal: false,
  externalLocal: false,
  ports: [{ name: '', protocol: 'tcp' as const, port: 80, endpoints: endpoints(1_000) }],
};

const ruleText: readonly ParserInput[] = [
  {
    name: 'rules of a Service with 1,000 endpoints',
    prepare: () => {
      const compiler = new ServiceCompiler(4, { clusterCidr: '10.0.0.0/8' });
      return () => {
        compiler.set(service.key, service);
        return renderPlan(compiler.take().plan);
      };
    },
  },
];

export const parserInputs: readonly ParserInput[] = [...spdy, ...dns, ...ingress, ...ruleText];
