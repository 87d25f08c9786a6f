// DeviceAdminAccess: claims for devices that others use already need a label on their namespace, which only its administrators can set.
// Upstream checks this in the strategies of claims and templates.
import type { DeviceClaim } from '../../api/devices/types';
import { namespaces } from '../../api/index';
import { type ResourceClaim, resourceClaims } from '../../api/resource-claim';
import { type ResourceClaimTemplate, resourceClaimTemplates } from '../../api/resource-claim-template';
import { forbidden } from '../../api/validation/causes';
import { invalid as invalidObject } from '../status';
import type { OpenRule, Write } from '../write/rule';

const label = 'resource.kubernetes.io/admin-access';
const refused = `admin access to devices requires the \`${label}: true\` label on the containing namespace`;
const prefixes: ReadonlySet<string> = new Set([resourceClaims.prefix, resourceClaimTemplates.prefix]);

export const deviceAdminAccess: OpenRule = ({ cache }) => ({
  name: 'DeviceAdminAccess',
  concerns: ({ operation, kind }) => (operation === 'create' || operation === 'update') && prefixes.has(kind.prefix),
  validate(write) {
    const field = adminAccess(write);
    if (field === undefined) return;
    const namespace = cache.kind(namespaces).get(write.namespace)?.object;
    if (namespace?.metadata?.labels?.[label] === 'true') return;
    throw invalidObject(write.kind, write.object?.metadata?.name ?? '', [forbidden(field, refused)]);
  },
});

/** The first field that requests or grants admin access and did not before; undefined when there is none. */
function adminAccess({ kind, object, old, subresource }: Write): string | undefined {
  if (kind.prefix === resourceClaimTemplates.prefix) {
    return old ? undefined : inRequests((object as ResourceClaimTemplate).spec?.spec?.devices);
  }
  if (subresource === 'status') {
    if (inResults(old as ResourceClaim) !== undefined) return undefined;
    return inResults(object as ResourceClaim);
  }
  return old ? undefined : inRequests((object as ResourceClaim).spec?.devices);
}

/** As upstream, the path is that of a claim, also for a template. */
function inRequests({ requests = [] }: DeviceClaim = {}): string | undefined {
  const at = requests.findIndex(({ exactly }) => exactly?.adminAccess);
  return at < 0 ? undefined : `spec.devices.requests[${at}].adminAccess`;
}

function inResults({ status }: ResourceClaim): string | undefined {
  const at = status?.allocation?.devices?.results?.findIndex(({ adminAccess: granted }) => granted) ?? -1;
  return at < 0 ? undefined : `status.allocation.devices.results[${at}].adminAccess`;
}
