// The handlers of all subresources with behaviour of their own. To add one, add a line.
import type { ServiceAccountTokens } from '../authn/service-account-tokens';
import type { KubeletProxy } from '../kubelet/proxy';
import type { BackendProxy } from '../proxy/backend-proxy';
import type { RestDeps } from '../rest/context';
import type { SubresourceHandler, UpgradeHandler } from '../servers/kind-server';
import { evictionHandler } from './eviction';
import { finalizeHandler } from './namespaces';
import { bindingHandler } from './pods';
import { scaleHandler } from './scale';
import { tokenHandler } from './token';

export interface SubresourceParts {
  readonly tokens: ServiceAccountTokens;
  readonly kubelets: KubeletProxy;
  readonly backends: BackendProxy;
}

/** By `plural/subresource`; a star stands for every kind. */
export function subresourceTable(
  rest: RestDeps,
  { tokens, kubelets, backends }: SubresourceParts,
): ReadonlyMap<string, SubresourceHandler> {
  return new Map<string, SubresourceHandler>([
    ['*/scale', scaleHandler(rest)],
    ['pods/binding', bindingHandler(rest)],
    ['pods/eviction', evictionHandler(rest)],
    ['pods/log', kubelets.log],
    ['pods/exec', kubelets.needsUpgrade],
    ['pods/attach', kubelets.needsUpgrade],
    ['pods/portforward', kubelets.needsUpgrade],
    ['nodes/proxy', kubelets.node],
    ['pods/proxy', backends.handle],
    ['services/proxy', backends.handle],
    ['namespaces/finalize', finalizeHandler(rest)],
    ['serviceaccounts/token', tokenHandler(rest, tokens)],
  ]);
}

/** Those that take over the connection of a request with an Upgrade header. */
export function upgradeTable({
  kubelets,
  backends,
}: Omit<SubresourceParts, 'tokens'>): ReadonlyMap<string, UpgradeHandler> {
  return new Map<string, UpgradeHandler>([
    ['pods/exec', kubelets.exec],
    ['pods/attach', kubelets.attach],
    ['pods/portforward', kubelets.portForward],
    ['nodes/proxy', kubelets.nodeUpgrade],
    ['pods/proxy', backends.upgrade],
    ['services/proxy', backends.upgrade],
  ]);
}
