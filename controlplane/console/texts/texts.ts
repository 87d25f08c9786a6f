// The texts that the console shows, in the language of its reader. A language with a missing key does not compile. Pure.
import { en } from './en';
import { zh } from './zh';

export type TextKey = keyof typeof en;
export type Texts = Readonly<Record<TextKey, string>>;
export type Values = Readonly<Record<string, string | number>>;

export const languages = ['en', 'zh'] as const;
export type Language = (typeof languages)[number];
/** Each in its own language, and the tag of BCP 47 for the page. */
export const languageNames: Readonly<Record<Language, { readonly name: string; readonly tag: string }>> = {
  en: { name: 'English', tag: 'en' },
  zh: { name: '简体中文', tag: 'zh-Hans' },
};

const byLanguage: Readonly<Record<Language, Texts>> = { en, zh };

/** The text with its values in place. A value that is not given stays visible as `{name}`. */
export const translate = (language: Language, key: TextKey, values: Values = {}): string =>
  byLanguage[language][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));

/** The first language that the reader prefers and the console has; else English. */
export function chooseLanguage(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    const found = languages.find((language) => tag.toLowerCase().split('-')[0] === language);
    if (found) return found;
  }
  return 'en';
}
