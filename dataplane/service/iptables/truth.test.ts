// The iptables rules against the Service contract.
import t from 'tap';
import { serviceTruth } from '../../../test/contract/service-truth';
import { ruleSetOf } from '../../netfilter/plan';
import { Tracer } from '../../netfilter/trace';
import { ServiceCompiler } from './compiler';

serviceTruth(t, (facts, services) => {
  const compiler = new ServiceCompiler(4, facts);
  for (const service of services) compiler.set(service.key, service);
  return new Tracer(ruleSetOf(compiler.take().plan));
});
