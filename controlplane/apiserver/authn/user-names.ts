// What the name of a user says: the ServiceAccount or the node that it stands for.
import { dns1123Label, dns1123Subdomain } from '../../api/validation/names';

/** Undefined for a name that no account can have: then it is an ordinary user. */
export function accountOf(user: string): { namespace: string; name: string } | undefined {
  const [, namespace = '', name = ''] = /^system:serviceaccount:([^:]*):([^:]*)$/.exec(user) ?? [];
  const valid = dns1123Label(namespace).length === 0 && dns1123Subdomain(name).length === 0;
  return valid ? { namespace, name } : undefined;
}

/** The name of the node whose kubelet the user is; undefined for a name that no node can have. */
export function nodeOf(user: string): string | undefined {
  const [, name] = /^system:node:(.*)$/s.exec(user) ?? [];
  return name !== undefined && dns1123Subdomain(name).length === 0 ? name : undefined;
}
