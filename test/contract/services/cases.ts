// The type of a case of the Service contract, and the Service that most cases begin with.
import type { Test } from 'tap';
import type { Endpoint, ServiceInput, ServicePort } from '../../../dataplane/service/input';
import { endpoint, service, servicePort } from '../../lib/service-fixture';
import { addresses, type Place, type ServiceLab, serverPort } from '../../lib/service-lab';
import type { NodeRules } from '../../lib/service-rules';

/** Case name to test. Each test gets a lab of its own, and the rules of its node in the mode of the lab. */
export type ServiceCases = Readonly<Record<string, (t: Test, lab: ServiceLab, rules: NodeRules) => Promise<void>>>;

/** The endpoint of the lab's server at a place. */
export const at = (place: Exclude<Place, 'outside'>, changes: Partial<Endpoint> = {}): Endpoint =>
  endpoint(addresses[place], serverPort, { local: place !== 'far', ...changes });

/** shop/web, port 80 of 10.96.3.7. */
export const web = (
  endpoints: readonly Endpoint[],
  changes: Partial<ServiceInput> = {},
  port: Partial<ServicePort> = {},
): ServiceInput => service('shop/web', '10.96.3.7', { ports: [servicePort({ endpoints, ...port })], ...changes });
