// The options of a list or watch and the rules between them.
import { forbidden } from '../../api/validation/causes';
import type { FieldCause } from '../../base/errors';
import { type Options, readOptions, refuseInvalid, unsupported } from './options';

export type ListOptions = Options<'ListOptions'>;

/** @throws BadRequest, Invalid */
export function listOptions(query: URLSearchParams): ListOptions {
  const options = readOptions('ListOptions', query);
  refuseInvalid('ListOptions', checkList(options));
  return options;
}

/** @throws BadRequest, Invalid */
export function watchOptions(query: URLSearchParams): ListOptions {
  const options = readOptions('ListOptions', query);
  refuseInvalid('ListOptions', checkWatch(options));
  return options;
}

const matchField = 'resourceVersionMatch';
const withContinue = forbidden(matchField, 'resourceVersionMatch is forbidden when continue is provided');

function checkList(options: ListOptions): FieldCause[] {
  const { resourceVersion: version = '', resourceVersionMatch: match = '', continue: token = '' } = options;
  const causes: FieldCause[] = [];
  if (match !== '') {
    if (version === '') {
      causes.push(forbidden(matchField, 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
    }
    if (token !== '') causes.push(withContinue);
    const known = ['Exact', 'NotOlderThan', ''];
    if (!known.includes(match)) causes.push(unsupported(matchField, match, known));
    if (match === 'Exact' && version === '0') {
      causes.push(forbidden(matchField, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
    }
  }
  if (options.sendInitialEvents !== undefined) {
    causes.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  }
  return causes;
}

function checkWatch({ sendInitialEvents: send, resourceVersionMatch: match = '', ...options }: ListOptions) {
  const causes: FieldCause[] = [];
  if (send !== undefined && match !== 'NotOlderThan') {
    causes.push(forbidden(matchField, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'));
  }
  if (match === '') {
    // Upstream then reads sendInitialEvents=true and NotOlderThan.
    const { resourceVersion: version = '' } = options;
    const fromTheStart = send === undefined && (version === '' || version === '0');
    return fromTheStart && options.continue ? [withContinue] : causes;
  }
  if (send === undefined) {
    const why = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided';
    causes.push(forbidden(matchField, why));
  }
  if (match !== 'NotOlderThan') causes.push(unsupported(matchField, match, ['NotOlderThan']));
  if (options.continue) causes.push(withContinue);
  return causes;
}
