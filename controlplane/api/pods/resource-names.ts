// Which family the name of a resource belongs to: native, huge pages, or extended, such as devices.
import { qualifiedName } from '../validation/names';

export const hugePages = 'hugepages-';
export const isHugePages = (name: string): boolean => name.startsWith(hugePages);
export const isNative = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');
export const isExtended = (name: string): boolean =>
  !isNative(name) && !name.startsWith('requests.') && qualifiedName(`requests.${name}`).length === 0;
