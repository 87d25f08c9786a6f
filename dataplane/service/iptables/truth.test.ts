// The iptables rules against the Service contract.
import t from 'tap';
import { serviceTruth } from '../../../test/contract/service-truth';
import { tracerOfPlans } from '../../path/tracers';
import { ServiceCompiler } from './compiler';

serviceTruth(t, (facts, services) => {
  const compiler = new ServiceCompiler(4, facts);
  for (const service of services) compiler.set(service.key, service);
  return tracerOfPlans({ iptables: { family: 4, chains: compiler.take().plan } });
});
