// What a Service has refused is reported for it, from the counters of the rules that refuse.
import { StoppedReader } from '../../../dataplane/traffic/stopped-reader';
import { endpoint, service, servicePort } from '../../lib/service-fixture';
import { addresses } from '../../lib/service-lab';
import type { ServiceCases } from './cases';

export const countedCases: ServiceCases = {
  'packets that a Service refuses are counted for it': async (t, lab, rules) => {
    const open = [servicePort({ endpoints: [endpoint(addresses.far, 8080)] })];
    const guarded = { ports: open, loadBalancerIps: ['192.168.57.240'], sourceRanges: ['203.0.113.0/24'] };
    await rules.apply(
      service('shop/none', '10.96.0.9'),
      service('shop/guarded', '10.96.0.8', guarded),
      service('shop/web', '10.96.0.7', { ports: open }),
    );
    const reader = new StoppedReader(lab.exec);
    const read = async () => {
      const { stopped, problems } = await reader.read();
      t.same(problems, []);
      return stopped.filter(({ cause }) => cause === 'service');
    };
    t.same(await read(), [], 'nothing is refused yet');
    t.equal(await lab.ask('a', '10.96.0.7', 80), `far ${addresses.a}`);
    t.same(await read(), []);
    t.equal(await lab.ask('a', '10.96.0.9', 80), 'ECONNREFUSED');
    t.match(await read(), [{ verdict: 'reject', objects: ['shop/none'], packets: 1, bytes: 60 }]);
    t.equal(await lab.ask('a', '10.96.0.7', 81), 'ECONNREFUSED');
    const other = (await read()).filter(({ objects }) => !objects.includes('shop/none'));
    t.match(other, [{ verdict: 'reject', packets: 1, bytes: 60 }], 'a port that the Service has not');
    t.equal(await lab.ask('outside', '192.168.57.240', 80, 100), 'TIMEOUT');
    const both = await read();
    t.match(
      both.find(({ verdict }) => verdict === 'drop'),
      { objects: ['shop/guarded'] },
    );
    t.match(
      both.find(({ objects }) => objects.includes('shop/none')),
      { verdict: 'reject', packets: 1 },
    );
    t.equal(both.length, 3, 'no packet counts twice');
  },
};
