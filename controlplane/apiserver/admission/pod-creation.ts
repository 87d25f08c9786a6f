// Most plug-ins check pods only at their creation: the fields they check cannot change afterwards.
import { pods } from '../../api/index';
import type { Write } from '../write/rule';

export const createsPod = ({ operation, kind, subresource }: Write): boolean =>
  operation === 'create' && kind.prefix === pods.prefix && subresource === '';
