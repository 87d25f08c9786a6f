// What every part of the page can reach: the API as the user, the kinds of the server, texts, and short messages.
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Resource } from '../../model/discovery';
import type { Route } from '../../model/routes';
import { type Language, type TextKey, translate, type Values } from '../../texts/texts';
import type { AccessReviews } from '../api/access';
import type { Api } from '../api/requests';
import type { User } from '../api/session';

export interface Console {
  readonly api: Api;
  readonly user: User;
  readonly access: AccessReviews;
  readonly resources: readonly Resource[];
  readonly go: (route: Route) => void;
  /** Shows a message for a few seconds; screen readers say it. */
  readonly say: (message: string) => void;
}

export const ConsoleContext = createContext<Console | undefined>(undefined);

/** @throws Error outside of the shell */
export function useConsole(): Console {
  const console = useContext(ConsoleContext);
  if (!console) throw new Error('there is no login here');
  return console;
}

export const LanguageContext = createContext<Language>('en');

export type Translate = (key: TextKey, values?: Values) => string;

export function useTexts(): Translate {
  const language = useContext(LanguageContext);
  return (key, values) => translate(language, key, values);
}
