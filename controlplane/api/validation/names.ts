// The grammars of names, labels and ports. Each check returns kube-apiserver's error messages; an empty list means valid.
// Sources: RFC 1035, RFC 1123, RFC 6335 and the concept page "Object Names and IDs".

export type Check = (value: string) => string[];

const dns1123LabelFormat = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const dns1123SubdomainFormat = `${dns1123LabelFormat}(\\.${dns1123LabelFormat})*`;
const underscoreLabelFormat = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?';
const underscoreSubdomainFormat = `${underscoreLabelFormat}(\\.${underscoreLabelFormat})*`;
const dns1035LabelFormat = '[a-z]([-a-z0-9]*[a-z0-9])?';
const qualifiedNameFormat = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const labelValueFormat = `(${qualifiedNameFormat})?`;
const configMapKeyFormat = '[-._a-zA-Z0-9]+';
const percentFormat = '[0-9]+%';
const wildcardFormat = `\\*\\.${dns1123SubdomainFormat}`;

const whole = (format: string): RegExp => new RegExp(`^${format}$`);
const dns1123Label_ = whole(dns1123LabelFormat);
const dns1123Subdomain_ = whole(dns1123SubdomainFormat);
const underscoreSubdomain_ = whole(underscoreSubdomainFormat);
const dns1035Label_ = whole(dns1035LabelFormat);
const qualifiedName_ = whole(qualifiedNameFormat);
const labelValue_ = whole(labelValueFormat);
const envVarName_ = /^[\x20-\x3c\x3e-\x7e]+$/;
const configMapKey_ = whole(configMapKeyFormat);
const percent_ = whole(percentFormat);
const wildcard_ = whole(wildcardFormat);

function regexError(message: string, format: string, ...examples: string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(' or ');
  return `${message} (${shown === '' ? '' : `e.g. ${shown}`}regex used for validation is '${format}')`;
}

const isLonger = (value: string, max: number): boolean => value.length > max || Buffer.byteLength(value) > max;

/** Upstream counts bytes everywhere, and says so only of keys and values of labels. */
const maxLength = (value: string, max: number): string[] =>
  isLonger(value, max) ? [`must be no more than ${max} characters`] : [];
const maxBytes = (value: string, max: number): string[] =>
  isLonger(value, max) ? [`must be no more than ${max} bytes`] : [];

export const dns1123Label: Check = (value) => {
  const errors = maxLength(value, 63);
  if (dns1123Label_.test(value)) return errors;
  if (dns1123Subdomain_.test(value)) return [...errors, 'must not contain dots'];
  return [
    ...errors,
    regexError(
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
      dns1123LabelFormat,
      'my-name',
      '123-abc',
    ),
  ];
};

export const dns1123Subdomain: Check = (value) => [...maxLength(value, 253), ...subdomainShape(value)];

const subdomainShape: Check = (value) => {
  if (dns1123Subdomain_.test(value)) return [];
  return [
    regexError(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
      dns1123SubdomainFormat,
      'example.com',
    ),
  ];
};

/** Search domains of a resolver may have underscores, as service names in DNS do. */
export const dns1123SubdomainWithUnderscore: Check = (value) => {
  const errors = maxLength(value, 253);
  if (underscoreSubdomain_.test(value)) return errors;
  return [
    ...errors,
    regexError(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
      underscoreSubdomainFormat,
      'example.com',
    ),
  ];
};

export const dns1035Label: Check = (value) => {
  const errors = maxLength(value, 63);
  if (dns1035Label_.test(value)) return errors;
  return [
    ...errors,
    regexError(
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
      dns1035LabelFormat,
      'my-name',
      'abc-123',
    ),
  ];
};

/** `*.example.com` */
export const wildcardDns1123Subdomain: Check = (value) => {
  const errors = maxLength(value, 253);
  if (wildcard_.test(value)) return errors;
  return [
    ...errors,
    regexError(
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
      wildcardFormat,
      '*.example.com',
    ),
  ];
};

/** Names that only have to fit into a URL, as those of RBAC objects. */
export const pathSegment: Check = (value) => {
  if (value === '.' || value === '..') return [`may not be '${value}'`];
  return ['/', '%'].filter((char) => value.includes(char)).map((char) => `may not contain '${char}'`);
};

const qualifiedNameShape = regexError(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  qualifiedNameFormat,
  'MyName',
  'my.name',
  '123-abc',
);

/** Label keys, annotation keys, taint keys, resource names: an optional DNS prefix, a slash and a name. */
export const qualifiedName: Check = (value) => {
  const parts = value.split('/');
  if (parts.length > 2) {
    return [
      `a valid label key ${qualifiedNameShape} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const errors: string[] = [];
  const name = parts.at(-1)!;
  if (parts.length === 2) {
    if (parts[0] === '') errors.push('prefix part must be non-empty');
    else {
      const prefix = parts[0]!;
      errors.push(...[...maxBytes(prefix, 253), ...subdomainShape(prefix)].map((message) => `prefix part ${message}`));
    }
  }
  if (name === '') errors.push('name part must be non-empty');
  else errors.push(...maxBytes(name, 63).map((message) => `name part ${message}`));
  if (!qualifiedName_.test(name)) errors.push(`name part ${qualifiedNameShape}`);
  return errors;
};

export const labelValue: Check = (value) => {
  const errors = maxBytes(value, 63);
  if (labelValue_.test(value)) return errors;
  return [
    ...errors,
    regexError(
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
      labelValueFormat,
      'MyValue',
      'my_value',
      '12345',
    ),
  ];
};

/** Since Kubernetes 1.30 any printable ASCII character except `=`. */
export const envVarName: Check = (value) => {
  if (value === '') return ['environment variable name must be non-empty'];
  if (envVarName_.test(value)) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
};

/** Keys of ConfigMap.data and Secret.data. */
export const configMapKey: Check = (value) => {
  const errors = maxLength(value, 253);
  if (!configMapKey_.test(value)) {
    errors.push(
      regexError(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        configMapKeyFormat,
        'key.name',
        'KEY_NAME',
        'key-name',
      ),
    );
  }
  if (value === '.') errors.push("must not be '.'");
  else if (value === '..') errors.push("must not be '..'");
  else if (value.startsWith('..')) errors.push("must not start with '..'");
  return errors;
};

export const percent: Check = (value) =>
  percent_.test(value)
    ? []
    : [
        regexError(
          "a valid percent string must be a numeric string followed by an ending '%'",
          percentFormat,
          '1%',
          '93%',
        ),
      ];

/** The name of a container port: an IANA service name, RFC 6335. */
export const portName: Check = (value) => {
  const errors = maxLength(value, 15);
  if (!/^[-a-z0-9]+$/.test(value)) {
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(value)) errors.push('must contain at least one letter (a-z)');
  if (value.includes('--')) errors.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) errors.push('must not begin or end with a hyphen');
  return errors;
};

export const inRange = (value: number, min: number, max: number): string[] =>
  value >= min && value <= max ? [] : [`must be between ${min} and ${max}, inclusive`];

export const portNumber = (port: number): string[] => inRange(port, 1, 65535);

export const nonNegative = (value: number): string[] => (value >= 0 ? [] : ['must be greater than or equal to 0']);
