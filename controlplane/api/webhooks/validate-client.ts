// The field rules of a webhook's address: a URL or a Service.
import type { FieldCause } from '../../base/errors';
import { invalid, required } from '../validation/causes';
import { dns1123Subdomain, portNumber } from '../validation/names';
import { defaultServicePort, type WebhookClientConfig } from './types';

const form = '; desired format: https://host[/path]';

export function validateClientConfig(config: WebhookClientConfig | undefined, at: string): FieldCause[] {
  const { url, service } = config ?? {};
  if ((url === undefined) === (service === undefined)) {
    return [required(at, 'exactly one of url or service is required')];
  }
  return url !== undefined ? validateUrl(url, `${at}.url`) : validateService(service!, `${at}.service`);
}

/** RFC 3986, appendix B: scheme, authority, path, query, fragment. */
const uri = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s;

function validateUrl(url: string, field: string): FieldCause[] {
  const [, scheme = '', authority = '', , query = '', fragment = ''] = uri.exec(url) ?? [];
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  // What has the parts of a URL must also be one: the client connects to it.
  if (scheme === 'https' && host !== '' && !URL.canParse(url)) {
    return [required(field, `url must be a valid URL: parse ${JSON.stringify(url)}: invalid host or port${form}`)];
  }
  return [
    ...(scheme.toLowerCase() === 'https'
      ? []
      : [invalid(field, scheme, `'https' is the only allowed URL scheme${form}`)]),
    ...(host === '' ? [invalid(field, host, `host must be specified${form}`)] : []),
    ...(at < 0 ? [] : [invalid(field, authority.slice(0, at), 'user information is not permitted in the URL')]),
    ...(fragment === '' ? [] : [invalid(field, fragment, 'fragments are not permitted in the URL')]),
    ...(query === '' ? [] : [invalid(field, query, 'query parameters are not permitted in the URL')]),
  ];
}

type ServiceReference = NonNullable<WebhookClientConfig['service']>;

function validateService({ namespace, name, path, port }: ServiceReference, at: string): FieldCause[] {
  const wrong = portNumber(port ?? defaultServicePort);
  return [
    ...(name ? [] : [required(`${at}.name`)]),
    ...(namespace ? [] : [required(`${at}.namespace`)]),
    ...(wrong.length > 0 ? [invalid(`${at}.port`, port, `port is not valid: ${wrong.join(', ')}`)] : []),
    ...validatePath(path ?? '', `${at}.path`),
  ];
}

function validatePath(path: string, field: string): FieldCause[] {
  if (path === '' || path === '/') return [];
  const empty = (i: number) => invalid(field, path, `segment[${i}] may not be empty`);
  if (path === '//') return [empty(0)];
  const start = path.startsWith('/') ? [] : [invalid(field, path, "must start with a '/'")];
  const steps = path.slice(1).replace(/\/$/, '').split('/');
  return [
    ...start,
    ...steps.flatMap((step, i) =>
      step === '' ? [empty(i)] : dns1123Subdomain(step).map((why) => invalid(field, path, `segment[${i}]: ${why}`)),
    ),
  ];
}
