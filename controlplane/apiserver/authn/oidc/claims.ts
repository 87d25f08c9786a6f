// Turns the claims of a verified token into a user, by the mappings and rules of the token's issuer. Pure.
import { CostBudget, CostExceeded, perCallLimit } from '../../../cel/budget';
import type { CelProgram } from '../../../cel/engine';
import { CelEvaluationError } from '../../../cel/errors';
import type { Claims } from '../../../pki/jwt';
import type { UserInfo } from '../../request';
import { type ClaimMapping, claimsOf, compile, type JwtIssuer, type Result, type Rule, userOf } from './config';

/** Undefined for a claim or expression that is not configured. */
type Read = (claims: Claims, budget: CostBudget) => unknown;

interface CompiledRule {
  readonly program: CelProgram;
  readonly message: string;
}

/** Why a token is refused; the client does not see it, except in a TokenReview. */
export class ClaimsRefused extends Error {}
const refused = (why: string) => new ClaimsRefused(`oidc: ${why}`);

export class ClaimsMapper {
  private readonly username: Read;
  private readonly groups: Read;
  private readonly uid: Read;
  private readonly extra: readonly (readonly [key: string, read: Read])[];
  private readonly required: readonly Rule[];
  private readonly claimRules: readonly CompiledRule[];
  private readonly userRules: readonly CompiledRule[];

  /** The configuration must be valid; see validateAuthenticationConfig. */
  constructor(config: JwtIssuer) {
    const { claimMappings, claimValidationRules = [], userValidationRules = [] } = config;
    const { username = {}, groups = {}, uid = {}, extra = [] } = claimMappings;
    this.username = reader(username, 'username', 'string');
    this.groups = reader(groups, 'groups', 'dyn');
    this.uid = reader(uid, 'uid', 'string');
    this.extra = extra.map(({ key = '', valueExpression }) => [
      key,
      reader({ expression: valueExpression ?? '' }, key, 'dyn'),
    ]);
    this.required = claimValidationRules.filter(({ claim }) => claim);
    this.claimRules = rulesOf(claimValidationRules, (text) => compile(claimsOf, text, 'bool'));
    this.userRules = rulesOf(userValidationRules, (text) => compile(userOf, text, 'bool'));
  }

  /** @throws ClaimsRefused */
  userOf(claims: Claims): UserInfo {
    const budget = new CostBudget(perCallLimit);
    const name = this.username(claims, budget);
    if (typeof name !== 'string' || name === '') throw refused('the username claim is missing or no text');
    const uid = this.uid(claims, budget) ?? '';
    if (typeof uid !== 'string') throw refused('the uid claim is no text');
    const groups = texts(this.groups(claims, budget), 'groups');
    const extra = Object.fromEntries(
      this.extra
        .map(([key, read]) => [key, texts(read(claims, budget), key)] as const)
        .filter(([, values]) => values.length > 0),
    );
    for (const { claim = '', requiredValue = '' } of this.required) {
      const value = own(claims, claim);
      if (value === undefined) throw refused(`required claim ${claim} not present in ID token`);
      if (value !== requiredValue) throw refused(`required claim ${claim} value does not match`);
    }
    check(this.claimRules, { claims }, budget);
    check(this.userRules, { user: { username: name, uid, groups, extra } }, budget);
    return {
      name,
      ...(uid === '' ? {} : { uid }),
      groups: [...groups, 'system:authenticated'],
      ...(Object.keys(extra).length > 0 ? { extra } : {}),
    };
  }
}

/** A claim named `constructor` is not the one of every object. */
const own = (claims: Claims, name: string): unknown => (Object.hasOwn(claims, name) ? claims[name] : undefined);

function reader({ claim, prefix = '', expression }: ClaimMapping, name: string, result: Result): Read {
  if (expression) {
    const program = compile(claimsOf, expression, result);
    return (claims, budget) => run(program, { claims }, budget, `the expression of ${name}`);
  }
  if (!claim) return () => undefined;
  return (claims) => {
    const value = own(claims, claim);
    // An address that its issuer has not verified may belong to another person.
    if (name === 'username' && claim === 'email' && (own(claims, 'email_verified') ?? true) !== true) {
      throw refused('email not verified');
    }
    // An empty text stays empty, so that it is no name with a prefix.
    if (typeof value === 'string') return value === '' ? '' : prefix + value;
    if (!Array.isArray(value)) return value;
    return value.map((one: unknown) => (typeof one === 'string' ? prefix + one : one));
  };
}

const rulesOf = (rules: readonly Rule[], compileRule: (text: string) => CelProgram): CompiledRule[] =>
  rules.flatMap(({ expression, message }) =>
    expression ? [{ program: compileRule(expression), message: message || `${expression} is false` }] : [],
  );

function check(rules: readonly CompiledRule[], values: object, budget: CostBudget): void {
  for (const { program, message } of rules) {
    if (run(program, values, budget, 'a rule') !== true)
      throw refused(`a rule of the issuer refuses the token: ${message}`);
  }
}

function run(program: CelProgram, values: object, budget: CostBudget, what: string): unknown {
  try {
    return program.run({ ...values }, budget);
  } catch (err) {
    if (err instanceof CelEvaluationError || err instanceof CostExceeded)
      throw refused(`${what} failed: ${err.message}`);
    throw err;
  }
}

/** A list of texts, or one text; empty texts are dropped. */
function texts(value: unknown, name: string): string[] {
  if (value === undefined || value === null || value === '') return [];
  const list = Array.isArray(value) ? value : [value];
  if (!list.every((one): one is string => typeof one === 'string')) throw refused(`${name}: expected texts`);
  return list.filter((one) => one !== '');
}
