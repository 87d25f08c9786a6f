// Bounds the CustomResourceDefinitions of the cluster, in number and in size: the server holds the schemas of each of them in memory,
// with a cache of its objects, and shows them in every OpenAPI document of version 2.
import { customResourceDefinitions } from '../../api/custom-resource-definition';
import type { Cache } from '../cache/cache';
import { maxBodyBytes } from '../http/body';
import { type OpenRule, refusal, type Write, type WriteRule } from '../write/rule';

export interface Bounds {
  readonly count: number;
  /** Of all definitions together, as JSON. */
  readonly bytes: number;
}

/**
 * Large clusters have a thousand definitions of 60 kB. The server takes about 7 bytes of memory for each byte of a definition: with the
 * largest allowed total, 1 GB.
 */
const defaults: Bounds = { count: 5_000, bytes: 128 * 1024 * 1024 };

export const definitionBounds: OpenRule = ({ cache }) => new DefinitionBounds(cache, defaults);

/** Requests that run at the same time do not see each other's definitions: the bounds may be passed by as many as run at once. */
export class DefinitionBounds implements WriteRule {
  readonly name = 'DefinitionBounds';

  constructor(
    private readonly cache: Pick<Cache, 'kind'>,
    private readonly bounds: Bounds,
  ) {}

  concerns({ operation, kind, subresource }: Write): boolean {
    return (
      kind === customResourceDefinitions && subresource === '' && (operation === 'create' || operation === 'update')
    );
  }

  async validate(write: Write): Promise<void> {
    const { items } = await this.cache.kind(customResourceDefinitions).list({});
    const { count, bytes } = this.bounds;
    if (write.operation === 'create' && items.length >= count) {
      throw refusal(
        write,
        `the server keeps at most ${count} CustomResourceDefinitions, and has ${items.length}: ${advice}`,
      );
    }
    const used = items.reduce((sum, { json }) => sum + json.length, 0);
    // Far from the bound, the size of the object does not matter.
    if (used + maxBodyBytes <= bytes) return;
    const before = items.find(({ key }) => key === write.name)?.json.length ?? 0;
    const after = Buffer.byteLength(JSON.stringify(write.object));
    // What is over the bound already may still be changed, for instance to make it smaller.
    if (after <= before || used - before + after <= bytes) return;
    throw refusal(
      write,
      `all CustomResourceDefinitions together may have at most ${bytes} bytes as JSON, and would have ${used - before + after}: ${advice}`,
    );
  }
}

const advice =
  'each one takes memory of the API server; delete definitions that are not used, or shorten their schemas';
