// The contract of every back end for Service rules, shown by packets between namespaces.
import type { Test } from 'tap';
import { Scope } from '../../../controlplane/base/scope';
import { skipWithoutKernel } from '../../lib/netns';
import { type ProxyMode, ServiceLab } from '../../lib/service-lab';
import { NodeRules } from '../../lib/service-rules';
import type { ServiceCases } from './cases';
import { choiceCases } from './choice';
import { countedCases } from './counted';
import { latePacketCases } from './late-packets';
import { lifeCases } from './life';
import { policyCases } from './policy';
import { portCases } from './ports';
import { refusalCases } from './refusal';
import { sctpCases } from './sctp';
import { sourceAddressCases } from './source-address';
import { udpCases } from './udp';
import { underLoadCases } from './under-load';

const groups: readonly ServiceCases[] = [
  sourceAddressCases,
  choiceCases,
  refusalCases,
  countedCases,
  policyCases,
  portCases,
  sctpCases,
  latePacketCases,
  udpCases,
  lifeCases,
  underLoadCases,
];

/** Far more than a busy machine needs: the limit only turns a hang into a failure. */
const limitMs = 300_000;

export function serviceContract(t: Test, mode: ProxyMode): void {
  t.setTimeout(limitMs * 2);
  void t.test(`Services by ${mode}`, { skip: skipWithoutKernel(), timeout: limitMs * 2 }, async (t) => {
    for (const group of groups) {
      for (const [name, show] of Object.entries(group)) {
        await t.test(name, { timeout: limitMs }, async (t) => {
          const scope = new Scope();
          try {
            const lab = await ServiceLab.open(scope, mode);
            await show(t, lab, NodeRules.open(lab));
          } finally {
            await scope.close();
          }
        });
      }
    }
  });
}
