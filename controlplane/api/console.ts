// console.k8ts.io/v1alpha1: how a user gets into the console. Both kinds are answered and never stored.
import { defineKind, type Kind, type KindOptions } from './kind';
import type { Definition } from './schema/schema';
import type { KubeObject } from './types';

const group = 'console.k8ts.io';
const version = 'v1alpha1';
/** The exchange: a login code counts here and nowhere else. */
export const consoleSessionsPath = `/apis/${group}/${version}/consolesessions`;
/** Where the API server serves the page; a login code follows in the fragment, which no server and no log sees. */
export const consolePath = '/console';
export const loginFragment = 'login=';

function created(
  kind: string,
  plural: string,
  description: string,
  status: Readonly<Record<string, Definition>>,
): Kind<KubeObject> {
  const options: KindOptions<KubeObject> = {
    group,
    version,
    kind,
    plural,
    namespaced: false,
    verbs: ['create'],
    schema: {
      definition: {
        type: 'object',
        description,
        properties: { status: { type: 'object', description: 'The answer.', properties: status } },
      },
    },
  };
  return defineKind(options);
}

const expirationTimestamp: Definition = {
  type: 'string',
  format: 'date-time',
  description: 'When the token ends.',
};

export const consoleLogins = created(
  'ConsoleLogin',
  'consolelogins',
  'ConsoleLogin asks for a code with which a browser logs in as the user of the request.',
  {
    code: { type: 'string', description: 'Is exchanged for a session: ConsoleSession. Ends after a minute.' },
    expirationTimestamp,
  },
);

export const consoleSessions = created(
  'ConsoleSession',
  'consolesessions',
  'ConsoleSession asks for a token of the user of the request, who has logged in by the code of a ConsoleLogin.',
  { token: { type: 'string', description: 'A bearer token for the API.' }, expirationTimestamp },
);

export const consoleKinds: readonly Kind[] = [consoleLogins, consoleSessions];
