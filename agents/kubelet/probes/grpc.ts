// The gRPC health check (grpc.health.v1.Health/Check) over plain HTTP/2. Both messages are small, so this code encodes them itself:
// HealthCheckRequest { string service = 1 }, HealthCheckResponse { ServingStatus status = 1 }.
import { connect } from 'node:http2';
import type { ProbeOutcome } from './http';

const serving = 1;
const prefixLength = 5;
/** A health answer takes 7 bytes; a server that sends more for ever must not fill the kubelet's memory. */
const maxAnswerBytes = 64 * 1024;

/** Never rejects. */
export function grpcProbe(host: string, port: number, service: string, timeoutMs: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const session = connect(`http://${host.includes(':') ? `[${host}]` : host}:${port}`);
    const timer = setTimeout(
      () => finish(false, `timeout: failed to connect service "${host}:${port}" within ${timeoutMs}ms`),
      timeoutMs,
    );
    const finish = (success: boolean, output: string) => {
      clearTimeout(timer);
      session.destroy();
      resolve({ success, output });
    };
    session.on('error', (err) => finish(false, `error: ${err.message}`));
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      'user-agent': 'kube-probe/1.36',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    let status = '0';
    stream.on('response', (headers) => (status = String(headers['grpc-status'] ?? status)));
    stream.on('trailers', (headers) => (status = String(headers['grpc-status'] ?? status)));
    let size = 0;
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxAnswerBytes) finish(false, `error: the answer is larger than ${maxAnswerBytes} bytes`);
      else chunks.push(chunk);
    });
    stream.on('error', (err) => finish(false, `error: ${err.message}`));
    stream.on('end', () => {
      if (status !== '0') return finish(false, `error: health rpc failed with status ${status}`);
      const answer = readStatus(Buffer.concat(chunks).subarray(prefixLength));
      finish(answer === serving, answer === serving ? '' : `service unhealthy (responded with ${answer})`);
    });
    stream.end(frame(service));
  });
}

function frame(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
  const prefix = Buffer.alloc(prefixLength);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** A length in the wire format's base 128: seven bits a byte, the lowest first. */
function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

/** Field 1, varint; an absent field is 0. */
const readStatus = (message: Buffer): number => (message[0] === 0x08 ? (message[1] ?? 0) : 0);
