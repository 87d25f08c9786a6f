// The values of an environment's variables for several expressions: each is converted when an expression first reads it, once.
import type { ToCel } from './values';

/** What the library reads: variable → CEL value. */
export type Context = Readonly<Record<string, unknown>>;

export class Activation {
  readonly context: Context = Object.create(null) as Context;

  /** The value is asked for at most once, also when that fails. Null stands for an absent value. */
  define(name: string, value: () => unknown, convert: ToCel = (found) => found): void {
    Object.defineProperty(this.context, name, {
      configurable: true,
      enumerable: true,
      get: () => {
        try {
          const found = convert(value()) ?? null;
          Object.defineProperty(this.context, name, { value: found });
          return found;
        } catch (err) {
          Object.defineProperty(this.context, name, {
            get: () => {
              throw err;
            },
          });
          throw err;
        }
      },
    });
  }
}
