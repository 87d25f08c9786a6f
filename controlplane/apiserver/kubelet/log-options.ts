// The options of pods/log, checked before the request goes to the kubelet.
import { forbidden, invalid } from '../../api/validation/causes';
import { BadRequest, type FieldCause } from '../../base/errors';
import { type Options, readOptions, refuseInvalid, unsupported } from '../rest/options';

/** How upstream prints the path of the options as a whole. */
const whole = '[]';
const streams = ['All', 'Stderr', 'Stdout'];

/** @throws BadRequest for values that cannot be parsed, Invalid (with the pod's name) for values that are not allowed */
export function checkLogOptions(query: URLSearchParams, pod: string): void {
  const options = readOptions('PodLogOptions', query);
  const { sinceTime } = options;
  if (sinceTime !== undefined && sinceTime !== '' && Number.isNaN(Date.parse(sinceTime))) {
    const text = JSON.stringify(sinceTime);
    throw new BadRequest(`parsing time ${text} as "2006-01-02T15:04:05Z07:00": cannot parse ${text} as "2006"`);
  }
  refuseInvalid('PodLogOptions', causesOf(options), pod);
}

function causesOf({ tailLines, limitBytes, sinceSeconds, sinceTime, stream }: Options<'PodLogOptions'>): FieldCause[] {
  const causes: FieldCause[] = [];
  if (tailLines !== undefined && tailLines < 0) {
    causes.push(invalid('tailLines', tailLines, 'must be greater than or equal to 0'));
  }
  if (limitBytes !== undefined && limitBytes < 1)
    causes.push(invalid('limitBytes', limitBytes, 'must be greater than 0'));
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    causes.push(forbidden(whole, 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  } else if (sinceSeconds !== undefined && sinceSeconds < 1) {
    causes.push(invalid('sinceSeconds', sinceSeconds, 'must be greater than 0'));
  }
  if (stream !== undefined && !streams.includes(stream)) causes.push(unsupported('stream', stream, streams));
  if (stream !== undefined && stream !== 'All' && tailLines !== undefined) {
    causes.push(forbidden(whole, '`tailLines` and specific `stream` are mutually exclusive for now'));
  }
  return causes;
}
