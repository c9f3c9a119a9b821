/** Tables: rows are changed in a grid, come in and go out as CSV, and nobody overwrites what somebody else has changed. */
import { readFile } from 'node:fs/promises';
import { accessible, assert, consoleUrl, go, NARROW, signIn, stories, tabTo, WIDE } from './support.mjs';

const cell = (page, key, column) =>
  page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: key, exact: true }) }).getByRole('gridcell').nth(column);
const values = async (call) => Object.fromEntries((await call('GET', '/api/data-tables/prices/rows')).items.map(({ key, value }) => [key, value]));
const put = (call, key, value) => call('PUT', `/api/data-tables/prices/rows?key=${encodeURIComponent(key)}`, { value });

/** What is saved, as soon as it is. */
async function becomes(call, key, wanted) {
  let found;
  for (let look = 0; look < 50; look++) {
    found = (await values(call))[key];
    if (JSON.stringify(found) === JSON.stringify(wanted)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.deepEqual(found, wanted);
}

await stories({
  'a table is made, filled from CSV, changed in the grid, a row is deleted and put back, and it goes out as CSV': async ({ page, person, call, expect }) => {
    await signIn(page, person, '/tables');
    await page.getByText('No tables yet').waitFor();
    await accessible(page, 'no tables');
    await page.getByRole('button', { name: 'New table' }).click();
    const dialog = page.getByRole('dialog');
    expect(/404/);
    await dialog.getByLabel(/^Name/).fill('prices/2');
    await dialog.getByRole('button', { name: 'Go on' }).click();
    await dialog.getByText('letters, digits', { exact: false }).waitFor();
    await dialog.getByLabel(/^Name/).fill('prices');
    await dialog.getByRole('button', { name: 'Go on' }).click();
    await page.getByText('No rows').waitFor();
    await page.getByRole('button', { name: 'Bring in CSV' }).click();
    const csv = 'key,name,price\nA-17,Schreibtisch für Zoë,120\nB-4,灯 💡,45\nC-9,Long,7\n';
    await dialog.getByLabel('A file').setInputFiles({ name: 'prices.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
    await dialog.getByRole('button', { name: 'Check' }).click();
    await dialog.getByText('3 new, 0 changed').waitFor();
    await accessible(page, 'rows from CSV');
    await dialog.getByRole('button', { name: 'Bring in' }).click();
    await page.getByText('灯 💡').waitFor();
    await accessible(page, 'a table');

    await cell(page, 'A-17', 1).click();
    await page.getByLabel('price of A-17').fill('130');
    await accessible(page, 'a cell that is changed');
    await page.keyboard.press('Enter');
    await becomes(call, 'A-17', { name: 'Schreibtisch für Zoë', price: 130 });
    await cell(page, 'B-4', 0).click();
    await page.getByLabel('name of B-4').fill('照明');
    await cell(page, 'B-4', 1).click(); // a click elsewhere keeps it, and the next edit of the row comes after it
    await page.getByLabel('price of B-4').fill('46');
    await page.keyboard.press('Enter');
    await becomes(call, 'B-4', { name: '照明', price: 46 });

    await page.getByRole('button', { name: 'Delete C-9' }).click();
    await page.getByText('C-9 is deleted').waitFor();
    assert.equal((await values(call))['C-9'], undefined);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('Long', { exact: true }).waitFor();
    await becomes(call, 'C-9', { name: 'Long', price: 7 });

    await page.getByRole('button', { name: 'Add a row' }).click();
    await dialog.getByLabel(/^Key/).fill('Ü/1 & more');
    await dialog.getByLabel('price').fill('3');
    await accessible(page, 'a new row');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'hidden' });
    await page.getByRole('rowheader', { name: 'Ü/1 & more' }).waitFor();
    await becomes(call, 'Ü/1 & more', { price: 3 });

    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Take out as CSV' }).click()]);
    assert.equal(download.suggestedFilename(), 'prices.csv');
    const out = await readFile(await download.path(), 'utf8');
    assert.match(out, /A-17,\d+,Schreibtisch für Zoë,130/);
    assert.match(out, /照明/);

    await page.setViewportSize(NARROW);
    await page.getByRole('button', { name: 'Delete prices' }).click();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('No tables yet').waitFor();
  },

  'what has changed meanwhile is not overwritten, and what was typed is not lost': async ({ page, person, call, expect }) => {
    expect(/412/);
    await put(call, 'A-17', { name: 'Desk', price: 120 });
    await put(call, 'B-4', { name: 'Lamp', price: 45 });
    await signIn(page, person, '/tables/prices');
    await cell(page, 'A-17', 1).click();
    await put(call, 'A-17', { name: 'Desk', price: 125 });
    await page.getByLabel('price of A-17').fill('130');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('A-17 has changed meanwhile: “price” is 125 now. You typed: 130').waitFor();
    await cell(page, 'A-17', 1).getByText('125').waitFor();
    await accessible(page, 'a conflict');
    await page.getByRole('button', { name: 'Save mine' }).click();
    await becomes(call, 'A-17', { name: 'Desk', price: 130 });

    await page.setViewportSize(NARROW);
    await cell(page, 'B-4', 1).click();
    await call('DELETE', '/api/data-tables/prices/rows?key=B-4');
    await page.getByLabel('price of B-4').fill('50');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('B-4 was deleted meanwhile. You typed: 50').waitFor();
    await page.getByRole('button', { name: 'Leave it' }).click();
    await page.getByRole('rowheader', { name: 'B-4' }).waitFor({ state: 'detached' });

    await page.setViewportSize(WIDE);
    await page.getByRole('button', { name: 'A-17', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await put(call, 'A-17', { name: 'Desk', price: 99 });
    await dialog.getByLabel('name').fill('Standing desk');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByRole('alert').getByText('has changed meanwhile').waitFor();
    assert.equal(await dialog.getByLabel('name').inputValue(), 'Standing desk');
  },

  'what is typed into a cell outlives a closed tab': async ({ page, context, person, call, expect }) => {
    expect(/ERR_FAILED/); // what a closing tab sends last does not arrive
    await put(call, 'A-17', { name: 'Desk', price: 120 });
    await signIn(page, person, '/tables/prices');
    await page.route('**/api/data-tables/**', (route) => (route.request().method() === 'PUT' ? route.abort() : route.fallback()));
    await cell(page, 'A-17', 1).click();
    await page.getByLabel('price of A-17').fill('130'); // and neither Enter nor a click elsewhere
    await page.close();
    const next = await context.newPage();
    await next.goto(`${consoleUrl}/tables/prices`);
    await next.getByRole('alert').getByText('“price” of A-17 was not saved the last time. You typed: 130').waitFor();
    await accessible(next, 'a cell that was not saved');
    await next.getByRole('button', { name: 'Try again' }).click();
    await becomes(call, 'A-17', { name: 'Desk', price: 130 });
    await next.getByRole('alert').waitFor({ state: 'detached' });
    await cell(next, 'A-17', 1).click();
    await next.getByLabel('price of A-17').fill('7');
    await next.keyboard.press('Escape'); // given up on purpose
    await next.reload();
    await cell(next, 'A-17', 1).getByText('130').waitFor();
    assert.equal(await next.getByRole('alert').count(), 0);
  },

  'with keys alone: cells are reached by arrows, changed, given up, and gone on from': async ({ page, person, call }) => {
    await put(call, 'A-17', { name: 'Desk', price: 120, tags: ['new'] });
    await put(call, 'B-4', { name: 'Lamp', price: 45 });
    await signIn(page, person, '/tables/prices');
    await page.getByRole('grid').waitFor();
    await tabTo(page, 'A-17');
    const press = async (...keys) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    const active = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent);
    await press('ArrowRight', 'F2'); // columns have the order of words
    await page.getByLabel('name of A-17').waitFor();
    await page.keyboard.type(' of oak');
    await press('Escape');
    await page.getByLabel('name of A-17').waitFor({ state: 'detached' });
    await page.waitForFunction(() => document.activeElement?.textContent === 'Desk');
    await press('Enter');
    await page.keyboard.type(' of oak');
    await press('Tab');
    await page.waitForFunction(() => document.activeElement?.textContent === '120');
    await page.keyboard.type('131'); // typing replaces what was there
    await press('Enter');
    await becomes(call, 'A-17', { name: 'Desk of oak', price: 131, tags: ['new'] });
    await press('ArrowRight', 'Enter');
    await page.keyboard.type('[');
    await press('Enter');
    await page.getByRole('alert').getByText('This is no JSON yet').waitFor();
    await press('Backspace', 'Escape');
    await press('ArrowDown', 'ArrowLeft', 'ArrowLeft');
    await page.waitForFunction(() => document.activeElement?.textContent === 'Lamp');
    await press('End', 'ArrowRight');
    assert.equal(await active(), 'Delete B-4');
    await press('Enter');
    await page.getByText('B-4 is deleted').waitFor();
    await becomes(call, 'B-4', undefined);
  },

  'a big table comes in pages, and is searched by its keys': async ({ page, person, call }) => {
    const csv = ['key,n', ...Array.from({ length: 250 }, (_, number) => `k${String(number).padStart(3, '0')},${number}`)].join('\n');
    await call('POST', '/api/data-tables/prices/csv', { csv });
    await signIn(page, person, '/tables/prices');
    await page.getByText('100 rows shown').waitFor();
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.getByText('200 rows shown').waitFor();
    await page.getByRole('button', { name: 'Show more' }).click();
    await page.getByText('250 rows shown').waitFor();
    await cell(page, 'k249', 0).click();
    await page.getByLabel('n of k249').fill('1');
    await page.keyboard.press('Enter');
    await page.setViewportSize(NARROW);
    await page.getByLabel('Keys that begin with').fill('k24');
    await page.getByRole('rowheader', { name: 'k100' }).waitFor({ state: 'detached' });
    await page.getByRole('rowheader', { name: 'k240' }).waitFor();
    assert.equal(await page.getByRole('rowheader').count(), 10);
    const [last] = (await call('GET', '/api/data-tables/prices/rows?prefix=k249')).items;
    assert.deepEqual(last.value, { n: 1 });
    await go(page, '/tables');
    await page.getByRole('link', { name: 'prices' }).waitFor();
  },
});
