// Compares the clocks of this machine and the server. A certificate from a machine whose clock is ahead is not yet valid on the
// other machine.
import { request } from 'node:https';
import { Unavailable } from '../../controlplane/base/errors';
import { Refused } from './refused';

const toleranceMs = 5 * 60_000;
const answerTimeoutMs = 10_000;

/**
 * The server's time, milliseconds since the epoch, from the Date header of any answer. Use it only for this comparison, because
 * the server has not proved its identity yet. @throws Unavailable when the server does not answer
 */
export function serverTime(server: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { method: 'GET', rejectUnauthorized: false, agent: false, timeout: answerTimeoutMs } as const;
    const call = request(new URL('/livez', server), options, (response) => {
      response.resume();
      const time = Date.parse(response.headers.date ?? '');
      if (Number.isNaN(time))
        reject(new Unavailable(`${server} does not say what time it is: is it a server of k8ts?`));
      else resolve(time);
    });
    call.once('timeout', () => call.destroy(new Error(`no answer within ${answerTimeoutMs} ms`)));
    call.once('error', (cause) =>
      reject(new Unavailable(`${server} does not answer; is the address right, and the way there open?`, { cause })),
    );
    call.end();
  });
}

/** @throws Refused */
export function checkClocks(serverMs: number, ownMs: number): void {
  const ahead = ownMs - serverMs;
  if (Math.abs(ahead) <= toleranceMs) return;
  const minutes = Math.round(Math.abs(ahead) / 60_000);
  throw new Refused(
    `the clock is ${minutes} minutes ${ahead > 0 ? 'ahead of' : 'behind'} the server's.`,
    'Set it (timedatectl set-ntp true, or date -s): certificates would not be valid yet, or not any longer.',
  );
}
