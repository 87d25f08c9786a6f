// host-gw: a plain route to another node's address leads to the pods of that node. For nodes on one link. Pure.
import { type Cidr, formatCidr } from '../../controlplane/base/cidr';
import type { Route } from '../link/model';
import { metricOf, podRouteProtocol } from './lease';

/** 10.244.2.0/24 via 192.168.57.11 proto 84 */
export const hostGatewayRoute = (range: Cidr, nodeAddress: string): Route => ({
  destination: formatCidr(range),
  type: 'unicast',
  gateway: nodeAddress,
  ...metricOf(range.family),
  protocol: podRouteProtocol,
});
