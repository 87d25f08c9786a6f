// While a node changes its proxy mode the kernel holds the rules of both modes: together they keep the Service contract too, in
// either order of evaluation.
import t from 'tap';
import { serviceTruth } from '../../test/contract/service-truth';
import { ruleSetOf } from '../netfilter/plan';
import { ServiceCompiler } from '../service/iptables/compiler';
import { NftCompiler } from '../service/nft/compiler';
import { tableOf } from '../service/nft/names';
import { renderTransaction } from '../service/nft/transaction';
import { Tracer } from './hooks';
import { IptablesEvaluator } from './iptables/evaluator';
import { NftEvaluator } from './nft/evaluator';
import { NftTables } from './nft/tables';

for (const first of ['iptables', 'nftables'] as const) {
  void t.test(`${first} first`, (t) => {
    serviceTruth(t, (facts, services) => {
      const iptables = new ServiceCompiler(4, facts);
      const nft = new NftCompiler(4, facts);
      for (const service of services) {
        iptables.set(service.key, service);
        nft.set(service.key, service);
      }
      const { plan, dirty } = nft.take();
      const tables = new NftTables().apply(renderTransaction(tableOf(4), plan, dirty));
      const evaluators = [
        new IptablesEvaluator(ruleSetOf(iptables.take().plan), 4),
        ...tables.all.map((table) => new NftEvaluator(table)),
      ];
      return new Tracer(first === 'iptables' ? evaluators : evaluators.reverse());
    });
    t.end();
  });
}
