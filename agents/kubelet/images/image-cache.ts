// The images of the node. The cache asks the runtime once, and keeps the answer until the runtime reports a change.
import type { ContainerRuntime, ImageRecord } from '../runtime/runtime';

export class ImageCache {
  private readonly found = new Map<string, ImageRecord>();
  private readonly asking = new Map<string, Promise<ImageRecord | undefined>>();
  /** clear() raises it, so that the answer to an earlier request is not kept. */
  private generation = 0;

  constructor(private readonly runtime: Pick<ContainerRuntime, 'image'>) {}

  /** Forgets everything, because an image was added, removed or renamed. */
  clear(): void {
    this.generation++;
    this.found.clear();
    this.asking.clear();
  }

  /** Without asking the runtime. */
  peek(reference: string): ImageRecord | undefined {
    return this.found.get(reference);
  }

  /** Undefined when the node does not have the image. This answer is not cached. */
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
