import t from 'tap';
import { parseCidr } from '../../../controlplane/base/cidr';
import { Unavailable, Unsupported } from '../../../controlplane/base/errors';
import { silentLogger } from '../../../controlplane/base/logger';
import type { PodPort } from '../../../dataplane/pod-sources/ports';
import { FakeClock } from '../../../test/lib/fake-clock';
import { checkMs, PodSources, thoroughMs } from './pod-sources';

const ranges = [parseCidr('10.0.0.0/29'), parseCidr('fd00::/64')];

function start(enabled = true) {
  const written: (readonly PodPort[] | 'removed')[] = [];
  const reports: string[] = [];
  const clock = new FakeClock();
  const filter = {
    comparesTargets: true,
    failure: undefined as Error | undefined,
    damaged: false,
    looks: 0,
    async apply(ports: readonly PodPort[]) {
      if (this.failure) throw this.failure;
      written.push(ports);
      this.damaged = false;
    },
    async remove() {
      written.push('removed');
    },
    async isDamaged() {
      this.looks++;
      return this.damaged || this.failure !== undefined;
    },
  };
  const report = (reason: string, message: string) => void reports.push(`${reason}: ${message}`);
  const sources = new PodSources({ filter, enabled, clock, log: silentLogger, report });
  const passed = async (ms: number) => {
    await clock.armed(checkMs);
    for (let rest = ms; rest > 0; rest -= checkMs) {
      clock.advance(checkMs);
      await clock.armed(checkMs);
    }
  };
  return { written, reports, clock, filter, sources, passed };
}

t.test('a pod that is already in the table is not written again', async (t) => {
  const { sources, written } = start();
  await sources.open(ranges);
  await sources.admit(['10.0.0.2', 'fd00::2']);
  t.equal(written.length, 1);
  await sources.admit(['10.0.0.3', 'fd00::9']);
  await sources.admit(['10.0.0.3', 'fd00::9']);
  t.equal(written.length, 2);
  t.match((written[1] as PodPort[])[1], { link: 'veth0a000003', addresses: ['10.0.0.3', 'fd00::9'] });
  await sources.admit(['10.0.0.3', 'fd00::3']);
  t.match((written[2] as PodPort[])[1], { addresses: ['10.0.0.3', 'fd00::3'] }, 'its next pod is as planned again');
});

t.test('switched off, it removes the table and writes nothing', async (t) => {
  const { sources, written } = start(false);
  await sources.open(ranges);
  await sources.admit(['10.0.0.3', 'fd00::9']);
  await sources.run(new AbortController().signal);
  t.strictSame(written, ['removed']);
});

t.test('a damaged table is written again and reported', async (t) => {
  const { sources, written, reports, filter, passed } = start();
  const abort = new AbortController();
  await sources.open(ranges);
  const running = sources.run(abort.signal);
  await passed(checkMs);
  t.equal(written.length, 1);
  filter.damaged = true;
  await passed(checkMs);
  t.equal(written.length, 2);
  t.match(reports, [/^RulesRestored: /]);
  abort.abort(new Error('test ends'));
  await running;
});

t.test('a node that cannot check: one Event, pods run, and a later check tries again', async (t) => {
  const { sources, written, reports, filter, passed } = start();
  const abort = new AbortController();
  filter.failure = new Unsupported('no tables for bridges');
  await sources.open(ranges);
  await sources.admit(['10.0.0.3', 'fd00::9']);
  const running = sources.run(abort.signal);
  await passed(thoroughMs - checkMs);
  t.equal(filter.looks, 0, 'an unsupported filter is not checked every few seconds');
  t.match(reports, [/^PodSourcesNotChecked: .*nft with tables for bridges is needed.*no tables for bridges/]);
  filter.failure = undefined;
  filter.damaged = true;
  await passed(checkMs);
  t.equal(written.length, 1);
  filter.failure = new Unavailable('busy');
  filter.damaged = true;
  await passed(checkMs);
  filter.failure = undefined;
  await passed(checkMs);
  t.equal(written.length, 2, 'a failure that may be short is retried at the next check');
  t.equal(reports.length, 2);
  t.match(reports[1], /^PodSourcesNotChecked: .*busy/);
  abort.abort(new Error('test ends'));
  await running;
});
