// Which images the node has, asked of the runtime once and then known until the runtime says they changed.
import type { ContainerRuntime, ImageRecord } from '../runtime/runtime';

export class ImageCache {
  private readonly found = new Map<string, ImageRecord>();
  private readonly asking = new Map<string, Promise<ImageRecord | undefined>>();
  /** Raised by clear(): an answer to a question asked before it is not kept. */
  private generation = 0;

  constructor(private readonly runtime: Pick<ContainerRuntime, 'image'>) {}

  /** Forget everything: an image came, went or was renamed. */
  clear(): void {
    this.generation++;
    this.found.clear();
    this.asking.clear();
  }

  /** Without asking the runtime. */
  peek(reference: string): ImageRecord | undefined {
    return this.found.get(reference);
  }

  /** Undefined when the node does not have it; absence is not remembered. */
  get(reference: string): Promise<ImageRecord | undefined> {
    const known = this.found.get(reference);
    if (known) return Promise.resolve(known);
    const pending = this.asking.get(reference);
    if (pending) return pending;
    const request = this.ask(reference, this.generation);
    this.asking.set(reference, request);
    return request;
  }

  private async ask(reference: string, generation: number): Promise<ImageRecord | undefined> {
    try {
      const image = await this.runtime.image(reference);
      if (image && generation === this.generation) {
        this.found.set(reference, image);
        this.found.set(image.id, image);
      }
      return image;
    } finally {
      if (generation === this.generation) this.asking.delete(reference);
    }
  }
}
