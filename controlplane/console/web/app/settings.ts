// Theme and language: kept in this browser, since they are no secrets and belong to the person.
import { useEffect, useState } from 'preact/hooks';
import { chooseLanguage, type Language, languageNames, languages } from '../../texts/texts';

export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

export interface Settings {
  readonly theme: Theme;
  readonly language: Language;
  readonly setTheme: (theme: Theme) => void;
  readonly setLanguage: (language: Language) => void;
}

const themeKey = 'k8ts.console.theme';
const languageKey = 'k8ts.console.language';

/** What was kept under the key, if it is one of these words. */
export function readKept<T extends string>(key: string, known: readonly T[]): T | undefined {
  try {
    const value = localStorage.getItem(key);
    return known.find((one) => one === value);
  } catch {
    return undefined;
  }
}

export function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // A browser may forbid it; the choice then ends with the page.
  }
}

export function useSettings(): Settings {
  const [theme, setTheme] = useState<Theme>(() => readKept(themeKey, themes) ?? 'auto');
  const [language, setLanguage] = useState<Language>(
    () => readKept(languageKey, languages) ?? chooseLanguage(navigator.languages),
  );
  // The style sheets read the attribute; without it they follow the system.
  useEffect(() => {
    if (theme === 'auto') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
  }, [theme]);
  useEffect(() => {
    document.documentElement.lang = languageNames[language].tag;
  }, [language]);
  return {
    theme,
    language,
    setTheme: (value) => {
      keep(themeKey, value);
      setTheme(value);
    },
    setLanguage: (value) => {
      keep(languageKey, value);
      setLanguage(value);
    },
  };
}
