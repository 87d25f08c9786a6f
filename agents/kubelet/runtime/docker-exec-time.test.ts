import t from 'tap';
import { type ExecState, processAgeMs, timeExec } from './docker-exec-time';

interface Look extends ExecState {
  /** The age of the process at this look. */
  readonly ageMs?: number;
}

/** Runs timeExec() through these looks. Returns the waits before them and the outcome. */
async function run(timeoutMs: number, looks: readonly Look[]) {
  const left = [...looks];
  const waits: number[] = [];
  let current: Look | undefined;
  let nowMs = 0;
  const end = await timeExec({
    timeoutMs,
    sleep: async (ms) => {
      waits.push(ms);
      nowMs += ms;
    },
    state: async () => {
      current = left.shift()!;
      return current;
    },
    ageMs: async () => current?.ageMs,
    now: () => nowMs,
  }).catch((err: { code: string }) => err.code);
  return { waits, end };
}

t.test('the time of a command counts from the start of its process', async (t) => {
  const notYet = { running: true, pid: 0 };
  t.same(
    await run(1000, [{ running: true, pid: 7, ageMs: 1000 }]),
    { waits: [1000], end: 'Timeout' },
    'over at the first look',
  );
  t.same(
    await run(1000, [notYet, notYet, { running: true, pid: 7, ageMs: 50 }, { running: false, pid: 7 }]),
    { waits: [1000, 100, 100, 950], end: undefined },
    'the time until Docker started it does not count',
  );
  t.same(
    await run(1000, [notYet, { running: true, pid: 7, ageMs: 300 }, { running: true, pid: 7, ageMs: 1000 }]),
    { waits: [1000, 100, 700], end: 'Timeout' },
    'the command gets its full time, once',
  );
  t.same(
    await run(1000, [
      { running: true, pid: 7 },
      { running: true, pid: 7 },
    ]),
    { waits: [1000, 1000], end: 'Timeout' },
    'on another machine: counted from when it was seen',
  );
});

t.test('the age of a process', async (t) => {
  const age = await processAgeMs(process.pid);
  t.ok(age !== undefined && Math.abs(age - process.uptime() * 1000) < 60_000);
  t.equal(await processAgeMs(2 ** 22 + 1), undefined);
});
