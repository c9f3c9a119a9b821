/**
 * Pictures of all screens: light, dark, narrow. `eval "$(node e2e/environment.mjs)" && node e2e/pictures.mjs [folder]`.
 *
 * It signs in as the administrator and takes each screen of the navigation, and what the first link of its list leads to.
 */
import { mkdir } from 'node:fs/promises';
import { consoleUrl, launch, NARROW, WIDE } from './support.mjs';

const folder = process.argv[2] ?? new URL('./pictures/', import.meta.url).pathname;
const VIEWS = {
  light: { viewport: WIDE, colorScheme: 'light' },
  dark: { viewport: WIDE, colorScheme: 'dark' },
  narrow: { viewport: NARROW, colorScheme: 'light' },
};

await mkdir(folder, { recursive: true });
const browser = await launch();
for (const [view, options] of Object.entries(VIEWS)) {
  const context = await browser.newContext({ ...options, locale: 'en-US', reducedMotion: 'reduce' });
  const page = await context.newPage();
  const take = async (name) => {
    await page.waitForLoadState('networkidle').catch(() => null);
    await page.waitForTimeout(400);
    await page.screenshot({ path: `${folder}/${name}-${view}.png` });
  };
  await page.goto(consoleUrl);
  await page.getByLabel('E-mail address').waitFor();
  await take('sign-in');
  await page.getByLabel('E-mail address').fill(process.env.CONSOLE_EMAIL);
  await page.getByLabel('Password').fill(process.env.CONSOLE_PASSWORD);
  await page.keyboard.press('Enter');
  await page.locator('#main h1').first().waitFor();
  const places = await page.locator('nav a').evaluateAll((links) => [...new Set(links.map((link) => link.getAttribute('href')))]);
  for (const place of places) {
    const name = place.slice(place.indexOf('/console') + '/console'.length).replace(/\W+/g, '-').replace(/^-/, '') || 'home';
    await page.goto(new URL(place, consoleUrl).href);
    await page.locator('#main h1').first().waitFor();
    await take(name);
    const first = page.locator(`main td a[href^="${place}/"], main li a[href^="${place}/"]`).first();
    if (await first.count()) {
      await first.click();
      await page.waitForTimeout(800);
      await take(`${name}-one`);
    }
  }
  await context.close();
}
await browser.close();
