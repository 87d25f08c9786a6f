// Docker's event stream as RuntimeEvents. Reconnects until the caller stops reading.
import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { systemClock } from '../../../controlplane/base/clock';
import { labels } from './labels';
import type { RuntimeEvent } from './runtime';

const reconnectMs = 250;
const containerActions: Readonly<Record<string, 'created' | 'started' | 'died' | 'removed' | 'oom'>> = {
  create: 'created',
  start: 'started',
  die: 'died',
  destroy: 'removed',
  oom: 'oom',
};
const imageActions = ['pull', 'tag', 'untag', 'delete', 'import', 'load'];

export async function* dockerEvents(docker: Docker, signal: AbortSignal): AsyncGenerator<RuntimeEvent> {
  while (!signal.aborted) {
    try {
      const stream = (await docker.getEvents({
        filters: { type: ['container', 'image'], event: [...Object.keys(containerActions), ...imageActions] },
        abortSignal: signal,
      } as never)) as unknown as Readable;
      yield { type: 'connected' };
      yield* readEvents(stream);
      if (!signal.aborted) yield { type: 'disconnected', error: new Error('docker closed the event stream') };
    } catch (error) {
      if (!signal.aborted) yield { type: 'disconnected', error };
    }
    await systemClock.sleep(reconnectMs, signal).catch(() => {});
  }
}

async function* readEvents(stream: Readable): AsyncGenerator<RuntimeEvent> {
  let rest = '';
  stream.setEncoding('utf8');
  try {
    for await (const text of stream as AsyncIterable<string>) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const event = line.trim() === '' ? undefined : parseEvent(line);
        if (event) yield event;
      }
    }
  } finally {
    stream.destroy();
  }
}

interface DockerEvent {
  readonly Type: string;
  readonly Action: string;
  readonly timeNano: number;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

/** Undefined for an event that concerns no pod. Docker mixes labels and its own attributes (exitCode, image, name). */
export function parseEvent(line: string): RuntimeEvent | undefined {
  const event = JSON.parse(line) as DockerEvent;
  if (event.Type === 'image') return { type: 'images-changed' };
  const type = containerActions[event.Action];
  const attributes = event.Actor?.Attributes ?? {};
  if (event.Type !== 'container' || !type || attributes[labels.podUid] === undefined) return undefined;
  const exitCode = attributes['exitCode'];
  return {
    type,
    id: event.Actor.ID,
    labels: attributes,
    timeMs: event.timeNano / 1e6,
    ...(exitCode === undefined ? {} : { exitCode: Number(exitCode) }),
  };
}
