// The nftables rules against the Service contract.
import t from 'tap';
import { serviceTruth } from '../../../test/contract/service-truth';
import { tracerOfPlans } from '../../path/tracers';
import { NftCompiler } from './compiler';
import { tableOf } from './names';
import { renderTransaction } from './transaction';

serviceTruth(t, (facts, services) => {
  const compiler = new NftCompiler(4, facts);
  for (const service of services) compiler.set(service.key, service);
  const { plan, dirty } = compiler.take();
  return tracerOfPlans({ nft: [renderTransaction(tableOf(4), plan, dirty)] });
});
