// Most plug-ins check pods only at their creation: the fields they check cannot change afterwards, except resources, by a resize.
import { pods } from '../../api/index';
import type { Write } from '../write/rule';

export const createsPod = ({ operation, kind, subresource }: Write): boolean =>
  operation === 'create' && kind.prefix === pods.prefix && subresource === '';

export const resizesPod = ({ operation, kind, subresource }: Write): boolean =>
  operation === 'update' && kind.prefix === pods.prefix && subresource === 'resize';
