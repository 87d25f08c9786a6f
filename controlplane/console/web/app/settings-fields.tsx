// The fields for language and theme.
import { languageNames, languages } from '../../texts/texts';
import { useTexts } from './context';
import { type Settings, type Theme, themes } from './settings';

const themeTexts = { auto: 'themeAuto', light: 'themeLight', dark: 'themeDark' } as const satisfies Record<
  Theme,
  string
>;

export function SettingsFields({ settings }: { readonly settings: Settings }) {
  const t = useTexts();
  const { language, theme, setLanguage, setTheme } = settings;
  return (
    <div class="settings">
      <label>
        {t('language')}
        <select
          name="language"
          value={language}
          onChange={({ currentTarget }) => setLanguage(languages.find((one) => one === currentTarget.value) ?? 'en')}
        >
          {languages.map((one) => (
            <option key={one} value={one} lang={languageNames[one].tag}>
              {languageNames[one].name}
            </option>
          ))}
        </select>
      </label>
      <label>
        {t('theme')}
        <select
          name="theme"
          value={theme}
          onChange={({ currentTarget }) => setTheme(themes.find((one) => one === currentTarget.value) ?? 'auto')}
        >
          {themes.map((one) => (
            <option key={one} value={one}>
              {t(themeTexts[one])}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
