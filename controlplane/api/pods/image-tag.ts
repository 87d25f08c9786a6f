// The tag of an image, by the grammar of references to images of the distribution project, which Docker and kubelets use.

const identifier = /^[a-f\d]{64}$/;
const digest = /^[A-Za-z][A-Za-z\d]*(?:[-_+.][A-Za-z][A-Za-z\d]*)*:[A-Fa-f\d]{32,}$/;
const tagShape = /^\w[\w.-]{0,127}$/;
const hostLabel = /^[A-Za-z\d](?:[A-Za-z\d-]*[A-Za-z\d])?$/;
const ipv6 = /^\[[A-Fa-f\d:]+\]$/;
const pathPart = /^[a-z\d]+(?:(?:[._]|__|-+)[a-z\d]+)*$/;
const maxPathLength = 255;

/** `latest` when the image has neither tag nor digest; '' for an image with a digest alone and for a text that is no reference. */
export function imageTag(image: string): string {
  const at = image.indexOf('@');
  const name = at < 0 ? image : image.slice(0, at);
  if (identifier.test(image) || (at >= 0 && !digest.test(image.slice(at + 1)))) return '';
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  const tag = colon < 0 ? undefined : name.slice(colon + 1);
  if (tag !== undefined && !tagShape.test(tag)) return '';
  if (!isRepository(colon < 0 ? name : name.slice(0, colon))) return '';
  return tag ?? (at < 0 ? 'latest' : '');
}

/** The first part is a host when it looks like one; else the repository is one of Docker Hub. */
function isRepository(name: string): boolean {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const hasHost = slash >= 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const path = hasHost ? name.slice(slash + 1) : slash < 0 ? `library/${name}` : name;
  if (hasHost && !isHost(first)) return false;
  return path.length <= maxPathLength && path.split('/').every((part) => pathPart.test(part));
}

function isHost(text: string): boolean {
  const port = /:\d+$/.exec(text);
  const host = port ? text.slice(0, port.index) : text;
  return ipv6.test(host) || host.split('.').every((label) => hostLabel.test(label));
}
