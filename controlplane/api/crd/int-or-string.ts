// The two forms in which an int-or-string may state its types below anyOf: the only types inside allOf and the like that a
// structural schema may have.
import { isDeepStrictEqual } from 'node:util';
import type { Definition } from '../schema/schema';

const types: readonly Definition[] = [{ type: 'integer' }, { type: 'string' }];

export const isIntOrStringAnyOf = ({ anyOf }: Definition): boolean => isDeepStrictEqual(anyOf, types);

export const isIntOrStringAllOf = ({ allOf }: Definition): boolean => isDeepStrictEqual(allOf?.[0]?.anyOf, types);
