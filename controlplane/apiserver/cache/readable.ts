// The bytes of a value in the form of its kind, or an error that names the key: one value that cannot be read stops the whole cache, and
// who mends it must find it.
import type { KubeObject } from '../../api/types';
import { describeError, Unsupported } from '../../base/errors';
import { refuseEncrypted } from '../../store/encryption/rules';
import { refuseProtobuf } from '../../store/foreign';
import type { Codec } from './encode';

/** @param key that of the store. @throws Unsupported with the key */
export function readable<T extends KubeObject>(codec: Codec<T>, key: string, value: Buffer): Buffer {
  refuseEncrypted(key, value);
  refuseProtobuf(key, value);
  try {
    return codec.upgrade(value);
  } catch (error) {
    throw new Unsupported(`cannot read ${key}: ${describeError(error)}. k8ts store check names all such keys`, {
      cause: error,
    });
  }
}
