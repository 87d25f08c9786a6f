// The nftables rules against the Service contract.
import t from 'tap';
import { serviceTruth } from '../../../test/contract/service-truth';
import { NftCompiler } from './compiler';
import { NftTracer } from './trace';

serviceTruth(t, (facts, services) => {
  const compiler = new NftCompiler(4, facts);
  for (const service of services) compiler.set(service.key, service);
  return new NftTracer(compiler.take().plan);
});
