// format.dns1123Label() and the like: validate(text) gives the errors of a text that has not the format. Source: Kubernetes' format
// library.
import { type Environment, Optional } from '@marcbachmann/cel-js';
import { formatCheck } from '../../api/crd/formats';
import { dns1035Label, dns1123Label, dns1123Subdomain, labelValue, qualifiedName } from '../../api/validation/names';
import { spendWork } from '../spending';

type Errors = (text: string) => readonly string[];

/** A format, as expressions see it. */
class Format {
  constructor(readonly errors: Errors) {}
}
class Formats {}

/** A name may be cut after a dash: more follows. As upstream, which puts one letter for the last two characters. */
const prefix =
  (check: Errors): Errors =>
  (text) =>
    check(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text);

const ofSchema =
  (format: string, error: (text: string) => string): Errors =>
  (text) =>
    formatCheck(format)!(text) ? [] : [error(text)];

const formats: Readonly<Record<string, Errors>> = {
  dns1123Label,
  dns1123Subdomain,
  dns1035Label,
  qualifiedName,
  dns1123LabelPrefix: prefix(dns1123Label),
  dns1123SubdomainPrefix: prefix(dns1123Subdomain),
  dns1035LabelPrefix: prefix(dns1035Label),
  labelValue,
  uri: ofSchema('uri', (text) =>
    text === '' ? 'parse "": empty url' : `parse ${JSON.stringify(text)}: invalid URI for request`,
  ),
  uuid: ofSchema('uuid', () => 'does not match the UUID format'),
  byte: ofSchema('byte', () => 'invalid base64'),
  date: ofSchema('date', () => 'invalid date'),
  datetime: ofSchema('date-time', () => 'invalid datetime'),
};

/** Units for each character that is checked. */
const checkCost = 0.5;

export function registerNamedFormats(environment: Environment): void {
  const values = new Map(Object.entries(formats).map(([name, errors]) => [name, new Format(errors)]));
  environment
    .registerType('kubernetes.NamedFormat', { ctor: Format, fields: {} })
    .registerType('k8ts.Formats', { ctor: Formats, fields: {} })
    .registerConstant('format', 'k8ts.Formats', new Formats())
    .registerFunction(
      'k8ts.Formats.named(string): optional<kubernetes.NamedFormat>',
      (_formats: Formats, name: string) => {
        const found = values.get(name);
        return found ? Optional.of(found) : Optional.none();
      },
    )
    .registerFunction(
      'kubernetes.NamedFormat.validate(string): optional<list<string>>',
      (format: Format, text: string) => {
        spendWork(text.length * checkCost);
        const errors = format.errors(text);
        return errors.length === 0 ? Optional.none() : Optional.of([...errors]);
      },
    );
  for (const [name, value] of values) {
    environment.registerFunction(`k8ts.Formats.${name}(): kubernetes.NamedFormat`, () => value);
  }
}
