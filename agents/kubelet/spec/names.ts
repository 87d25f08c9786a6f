// Names from the API that become parts of paths, of container names and of labels. The API server checks them when an object is created.
// The node checks them again, because it deletes and mounts paths with these names. Pure.
import { allContainers, type Pod } from '../../../controlplane/api';
import { dns1123Label, dns1123Subdomain } from '../../../controlplane/api/validation/names';
import { BadRequest } from '../../../controlplane/base/errors';

const maxUidLength = 253;
const uidForm = /^[a-zA-Z0-9]([-._a-zA-Z0-9]*[a-zA-Z0-9])?$/;
const isUid = (text: string): boolean => text.length <= maxUidLength && uidForm.test(text);

/** The UID as the name of a folder. @throws BadRequest for a UID that could name a path elsewhere */
export function uidFolder(uid: string): string {
  if (!isUid(uid)) throw new BadRequest(`not the UID of a pod: ${JSON.stringify(uid)}`);
  return uid;
}

/**
 * What is wrong with a name of the pod, as text for the log; undefined when all are valid. A valid name has no slash, and no underscore,
 * which separates the parts of container names.
 */
export function unsoundName({ metadata, spec }: Pod): string | undefined {
  const { uid = '', name = '', namespace = '' } = metadata ?? {};
  const labels = {
    namespace: [namespace],
    container: names(allContainers(spec ?? {})),
    volume: names(spec?.volumes ?? []),
  };
  if (!isUid(uid)) return `uid ${JSON.stringify(uid)}`;
  if (dns1123Subdomain(name).length > 0) return `name ${JSON.stringify(name)}`;
  for (const [kind, found] of Object.entries(labels)) {
    const unsound = found.find((each) => dns1123Label(each).length > 0);
    if (unsound !== undefined) return `${kind} ${JSON.stringify(unsound)}`;
  }
  return undefined;
}

const names = (named: readonly { readonly name: string }[]): readonly string[] => named.map(({ name }) => name);
