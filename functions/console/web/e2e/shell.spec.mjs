/** What is around all screens: navigation, palette, keys, colors, languages, phones. */
import { accessible, assert, consoleUrl, go, NARROW, signIn, stories } from './support.mjs';

await stories({
  'every screen of the navigation opens, and has no barrier': async ({ page, person }) => {
    await signIn(page, person);
    const links = await page.getByRole('navigation', { name: 'Main' }).filter({ visible: true }).getByRole('link').all();
    const places = await Promise.all(links.map((link) => link.getAttribute('href')));
    assert.ok(places.length >= 2, String(places));
    for (const place of places) {
      await go(page, place.slice(place.indexOf('/console') + '/console'.length));
      await page.waitForLoadState('networkidle');
      await accessible(page, place);
    }
  },

  'Ctrl-K goes to a screen, ? shows the keys, and g with a letter jumps': async ({ page, person }) => {
    await signIn(page, person, '/settings');
    await page.keyboard.press('Control+k');
    await page.getByPlaceholder('Where to, or what to do?').fill('settin');
    await accessible(page, 'palette');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await accessible(page, 'keys');
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await page.waitForURL(/settings$/);
  },

  'colors and language are chosen, at once and for the next time': async ({ page, person }) => {
    await signIn(page, person, '/settings');
    await page.getByLabel('Colors').selectOption('dark');
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(await background(), 'rgb(18, 19, 23)');
    await page.getByLabel('Language').selectOption('de');
    await page.getByRole('heading', { name: 'Einstellungen', level: 1 }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Einstellungen', level: 1 }).waitFor();
    assert.equal(await background(), 'rgb(18, 19, 23)');
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'de');
  },

  'on a phone the navigation is below, and all screens are behind More': async ({ page, person }) => {
    await page.setViewportSize(NARROW);
    await signIn(page, person, '/settings');
    await page.getByRole('button', { name: 'More' }).click();
    await accessible(page, 'all screens');
    await page.getByRole('dialog').getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
  },

  'an unknown address says so': async ({ page, person }) => {
    await signIn(page, person, '/settings');
    await page.goto(`${consoleUrl}/nowhere/at/all`);
    await page.getByText('There is nothing at this address').waitFor();
    await accessible(page, 'nothing there');
  },
});
