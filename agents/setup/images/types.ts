// Images in a layout, and where their bytes come from.

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface LayoutImage {
  /** k8ts/pause or library/busybox: as Docker asks a mirror of Docker Hub for it. */
  readonly repository: string;
  readonly tag: string;
  readonly manifest: Descriptor;
}

/** The source of image bytes: a folder, or memory. */
export interface ImageSource {
  /** What a manifest refers to: blobs, and the manifests of an image for several architectures. */
  contents(manifest: Descriptor): Promise<{ blobs: readonly Descriptor[]; manifests: readonly Descriptor[] }>;
  readBlob(digest: string): Promise<Buffer>;
  openBlob(digest: string): Promise<Blob>;
}
