// The container runtime with its calls counted and timed, by the names of upstream's calls, which dashboards show.
import type { KubeletActivity } from '../stats/activity';
import type {
  AttachOptions,
  ContainerResources,
  ContainerRuntime,
  ContainerSpec,
  ExecOptions,
  LogOptions,
  RegistryAuth,
} from './runtime';

/** Streams are left out: they take as long as their readers want. */
export class MeasuredRuntime implements ContainerRuntime {
  constructor(
    private readonly runtime: ContainerRuntime,
    private readonly activity: Pick<KubeletActivity, 'call'>,
  ) {}

  info() {
    return this.activity.call('status', () => this.runtime.info());
  }

  list() {
    return this.activity.call('list_containers', () => this.runtime.list());
  }

  inspect(id: string) {
    return this.activity.call('container_status', () => this.runtime.inspect(id));
  }

  create(spec: ContainerSpec) {
    return this.activity.call('create_container', () => this.runtime.create(spec));
  }

  start(id: string) {
    return this.activity.call('start_container', () => this.runtime.start(id));
  }

  update(id: string, resources: ContainerResources) {
    return this.activity.call('update_container', () => this.runtime.update(id, resources));
  }

  stop(id: string, graceSeconds: number) {
    return this.activity.call('stop_container', () => this.runtime.stop(id, graceSeconds));
  }

  remove(id: string) {
    return this.activity.call('remove_container', () => this.runtime.remove(id));
  }

  events(signal: AbortSignal) {
    return this.runtime.events(signal);
  }

  logs(id: string, options: LogOptions) {
    return this.runtime.logs(id, options);
  }

  exec(id: string, options: ExecOptions) {
    return this.runtime.exec(id, options);
  }

  attach(id: string, options: AttachOptions) {
    return this.runtime.attach(id, options);
  }

  usage(id: string) {
    return this.activity.call('container_stats', () => this.runtime.usage(id));
  }

  image(reference: string) {
    return this.activity.call('image_status', () => this.runtime.image(reference));
  }

  images() {
    return this.activity.call('list_images', () => this.runtime.images());
  }

  pull(reference: string, auth: RegistryAuth | undefined, signal?: AbortSignal) {
    return this.activity.call('pull_image', () => this.runtime.pull(reference, auth, signal));
  }

  removeImage(id: string) {
    return this.activity.call('remove_image', () => this.runtime.removeImage(id));
  }
}
