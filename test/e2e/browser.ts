// Debian's Chromium, driven by playwright: one page of the console, with what it complains about, what it looks like, and what axe says.
import { existsSync, mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import {
  type Browser,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
  type Request,
} from 'playwright-core';
import { root } from './cluster';

/** Screenshots of the last run. */
export const artefacts = join(root, '.k8ts/test/console');
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];
const desktop = { width: 1280, height: 800 };
/** The machine that runs the tests may be busy. */
const waitMs = 20_000;

const executablePath = '/usr/bin/chromium';
/** Ubuntu has it as a snap alone, which hack/test does not install. */
export const hasBrowser = existsSync(executablePath);

/** Tests run as root, whom Chromium's sandbox refuses. */
export const openBrowser = (): Promise<Browser> => chromium.launch({ executablePath, args: ['--no-sandbox'] });

export interface ConsoleOptions extends BrowserContextOptions {
  /** https://ADDRESS:PORT of the API server. */
  readonly server: string;
  /** Words of the browser that this part of the test provokes: a request that is refused is an error to it. */
  readonly provoked?: RegExp;
}

export class ConsolePage {
  /** What the browser has reported as wrong. */
  readonly problems: string[] = [];
  /** The watches that are open now. */
  readonly watches = new Set<Request>();

  private constructor(
    readonly page: Page,
    private readonly server: string,
  ) {}

  /** Another session than that of other pages. */
  static async open(browser: Browser, { server, provoked, ...options }: ConsoleOptions): Promise<ConsolePage> {
    // The cluster's own authority signs the certificate.
    const context = await browser.newContext({
      ignoreHTTPSErrors: true,
      viewport: desktop,
      locale: 'en-GB',
      ...options,
    });
    context.setDefaultTimeout(waitMs);
    const opened = new ConsolePage(await context.newPage(), server);
    const { page, problems, watches } = opened;
    page.on('console', (message) => {
      const isKnown = provoked?.test(message.text()) === true;
      if (['error', 'warning'].includes(message.type()) && !isKnown) problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(error.stack ?? error.message));
    page.on('request', (request) => void (/[?&]watch=1/.test(request.url()) && watches.add(request)));
    page.on('requestfinished', (request) => void watches.delete(request));
    page.on('requestfailed', (request) => void watches.delete(request));
    mkdirSync(artefacts, { recursive: true });
    return opened;
  }

  /** '#/api/v1/pods' */
  async go(hash: string): Promise<void> {
    await this.page.goto(`${this.server}/console/${hash}`);
  }

  find(selector: string, text?: string | RegExp): Locator {
    return this.page.locator(selector, text === undefined ? {} : { hasText: text }).first();
  }

  async see(selector: string, text?: string | RegExp): Promise<void> {
    await this.find(selector, text).waitFor();
  }

  async click(selector: string, text?: string | RegExp): Promise<void> {
    await this.find(selector, text).click();
  }

  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key);
  }

  /** Writes the picture, and returns what axe finds in the page: a line for each rule that is broken. */
  async look(name: string): Promise<readonly string[]> {
    await this.page.screenshot({ path: join(artefacts, `${name}.png`) });
    await this.page.evaluate(await readFile(require.resolve('axe-core/axe.min.js'), 'utf8'));
    const run = `axe.run(document, { runOnly: ${JSON.stringify(rules)} })`;
    const { violations } = await this.page.evaluate<AxeResults>(run);
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' ')}`);
  }

  /** Wider than the screen: a reader would have to scroll to both sides. */
  isTooWide(): Promise<boolean> {
    return this.page.evaluate(
      "[document.documentElement, document.querySelector('main')].some((one) => one && one.scrollWidth > one.clientWidth)",
    );
  }

  close(): Promise<void> {
    return this.page.context().close();
  }
}
