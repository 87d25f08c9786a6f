// An image as a registry keeps it: a layer, a configuration, and the manifest that names both. Pure.
import { digestOf, type Layer } from './layer';

export interface ImageConfig {
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly env?: readonly string[];
  readonly user?: string;
  readonly workingDir?: string;
  readonly ports?: readonly number[];
  readonly stopSignal?: string;
}
export interface Image {
  /** k8ts/pause or library/busybox: the name in requests to a registry mirror. */
  readonly repository: string;
  readonly tag: string;
  readonly layer: Layer;
  readonly config: Buffer;
  readonly manifest: Buffer;
}

export const manifestType = 'application/vnd.docker.distribution.manifest.v2+json';

/** `architecture` as Go and Docker name it: amd64, arm64. */
export function composeImage(
  name: { readonly repository: string; readonly tag: string },
  layer: Layer,
  config: ImageConfig,
  architecture: string,
): Image {
  const configBytes = json({
    architecture,
    os: 'linux',
    created: '1970-01-01T00:00:00Z',
    config: {
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...(config.env ?? [])],
      ...(config.entrypoint ? { Entrypoint: config.entrypoint } : {}),
      ...(config.command ? { Cmd: config.command } : {}),
      ...(config.user ? { User: config.user } : {}),
      ...(config.workingDir ? { WorkingDir: config.workingDir } : {}),
      ...(config.ports ? { ExposedPorts: Object.fromEntries(config.ports.map((port) => [`${port}/tcp`, {}])) } : {}),
      ...(config.stopSignal ? { StopSignal: config.stopSignal } : {}),
    },
    rootfs: { type: 'layers', diff_ids: [layer.diffId] },
    history: [{ created: '1970-01-01T00:00:00Z', created_by: 'hack/images' }],
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: manifestType,
    config: {
      mediaType: 'application/vnd.docker.container.image.v1+json',
      size: configBytes.length,
      digest: digestOf(configBytes),
    },
    layers: [
      {
        mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
        size: layer.bytes.length,
        digest: layer.digest,
      },
    ],
  });
  return { ...name, layer, config: configBytes, manifest };
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value), 'utf8');
