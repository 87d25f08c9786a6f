// Most plug-ins look at pods when they are created and at no other time: what they judge cannot change afterwards.
import { pods } from '../../api/index';
import type { Write } from '../write/rule';

export const createsPod = ({ operation, kind, subresource }: Write): boolean =>
  operation === 'create' && kind.prefix === pods.prefix && subresource === '';
