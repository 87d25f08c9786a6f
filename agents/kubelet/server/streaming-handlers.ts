// exec, attach and port-forward by this kubelet's container runtime.
import { NotFound } from '../../../controlplane/base/errors';
import type { ContainerRuntime } from '../runtime/runtime';
import { findContainer } from '../spec/container';
import { forwardToPod } from '../streaming/forward-to-pod';
import type { RemoteIo, StreamingHandlers } from '../streaming/handlers';
import type { PodLookup } from './pod-lookup';

export function streamingHandlers(runtime: ContainerRuntime, lookup: PodLookup): StreamingHandlers {
  return {
    async check(_kind, { namespace, pod, container }) {
      if (container) lookup.running(namespace, pod, container);
      else lookup.sandbox(namespace, pod);
    },
    async exec({ namespace, pod, container, command, tty }, io) {
      const { id } = lookup.running(namespace, pod, container);
      return runtime.exec(id, { ...streams(io), argv: command, tty });
    },
    async attach({ namespace, pod, container }, io) {
      const record = lookup.running(namespace, pod, container);
      const spec = findContainer(lookup.pod(namespace, pod), container);
      await runtime.attach(record.id, { ...streams(io), tty: spec?.tty ?? false });
    },
    async portForward({ namespace, pod, port }, connection, signal) {
      const { pid } = lookup.sandbox(namespace, pod);
      if (pid === undefined) throw new NotFound(`pod "${pod}" has no process to enter its network by`);
      await forwardToPod({ pid, port }, connection, signal);
    },
  };
}

const streams = ({ stdin, stdout, stderr, onResize, signal }: RemoteIo) => ({
  stdin,
  stdout,
  stderr,
  onResize,
  signal,
});
