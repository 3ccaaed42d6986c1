// The real browser: Debian's Chromium, driven by playwright-core. Root needs --no-sandbox.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const here = dirname(fileURLToPath(import.meta.url));
export const workspace = join(here, '..', '..');
const results = process.env.TEST_RESULTS || join(workspace, 'test-results');

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_BIN || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

/** A picture of the step, to be looked at by a person. */
export async function picture(page, name) {
  mkdirSync(results, { recursive: true });
  await page.screenshot({ path: join(results, `${name}.png`) });
}

/** Waits until the page shows this view (`main[data-view]`). */
export const view = (page, name, options) =>
  page.locator(`main[data-view="${name}"]`).waitFor(options);
