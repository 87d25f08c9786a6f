// A process that notifies its supervisor, then blocks its event loop in the way of its argument.
import { startWatchdog } from '../../../controlplane/process/watchdog';
import { openNotifySocket } from '../../../dataplane/notify/notify';

function spinForEver(): never {
  for (;;);
}

async function yieldForEver(): Promise<never> {
  for (;;) await undefined;
}

const ways: Readonly<Record<string, () => void>> = {
  loop: spinForEver,
  microtasks: () => void yieldForEver(),
  regex: function matchForEver() {
    /^(a+)+$/.test(`${'a'.repeat(50)}b`);
  },
};

startWatchdog(process.env, openNotifySocket);
const asked = process.env['NOTIFY_SOCKET'] ?? process.env['WATCHDOG_USEC'];
process.stdout.write(asked === undefined ? 'ready\n' : 'its children would be watched too\n');
setImmediate(() => ways[process.argv[2] ?? '']?.());
