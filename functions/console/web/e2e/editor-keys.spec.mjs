/** The editor with keys alone, in its outline. */
import { accessible, assert, stories } from './support.mjs';
import { add, CHAIN, opened, saved } from './editing.mjs';

await stories({
  'all of it goes with keys alone, in the outline': async ({ page }) => {
    const { draft } = await opened(page, CHAIN);
    await page.getByRole('button', { name: 'Outline' }).focus();
    await page.keyboard.press('Enter');
    const tree = page.getByRole('tree', { name: 'Steps' });
    await tree.getByRole('treeitem').first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('/');
    await add(page, 'wait');
    await saved(page);
    assert.deepEqual((await draft()).definition.edges, [...CHAIN.edges, { from: 'shout', to: 'wait' }]);
    await page.getByRole('treeitem', { name: /^Wait/ }).focus();
    await page.keyboard.press('Delete');
    await page.getByRole('treeitem', { name: /^Wait/ }).waitFor({ state: 'detached' });
    await page.keyboard.press('Control+z');
    await page.getByRole('treeitem', { name: /^Wait/ }).waitFor();
    await accessible(page, 'the editor with its outline');
  },
});
