// One run of tap at a time in a checkout: tap empties its own folder .tap when it starts, so two runs would lose each other's results.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/**
 * Waits until no other process has the turn of this folder. The turn is an abstract socket: the kernel removes it when its
 * process ends, however it ends, and the processes that wait see their connections close.
 * @param onWait gets the id of the process that has the turn; called once for each process that has the turn meanwhile
 * @returns ends the turn
 */
export async function takeTurn(folder: string, onWait: (pid: number) => void): Promise<() => Promise<void>> {
  // The first byte 0 makes the name abstract. A name has room for 107 bytes.
  const path = `\0k8ts-test:${Buffer.from(folder).subarray(-90).toString()}`;
  for (;;) {
    const end = await listen(path);
    if (end !== undefined) return end;
    await untilTurnEnds(path, onWait);
  }
}

/** @returns undefined if another process has the turn */
async function listen(path: string): Promise<(() => Promise<void>) | undefined> {
  const waiting = new Set<Socket>();
  const server = createServer((socket) => {
    waiting.add(socket);
    // If the waiting process is killed, its connection fails.
    socket.on('error', () => {}).on('close', () => waiting.delete(socket));
    socket.write(String(process.pid));
  });
  try {
    server.listen(path);
    await once(server, 'listening');
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw err;
  }
  server.unref();
  return async () => {
    const closed = once(server, 'close');
    server.close();
    for (const socket of waiting) socket.destroy();
    await closed;
  };
}

async function untilTurnEnds(path: string, onWait: (pid: number) => void): Promise<void> {
  const socket = connect(path);
  // If the turn has just ended, the connection is refused or reset.
  socket.on('error', () => {});
  socket.once('data', (pid) => onWait(Number(pid)));
  await new Promise((resolve) => socket.once('close', resolve));
}
