/**
 * What the console costs a person's time, in a real browser: `eval "$(node e2e/environment.mjs)" && node e2e/budgets.mjs`.
 *
 * Prints JSON: kilobytes and seconds until somebody can type, by slow 4G on a machine four times as slow; and what a
 * frame costs with 500 steps. Frames are painted without a GPU here, so that the work of the page is told as well.
 */
import { card } from './editing.mjs';
import { consoleUrl, launch, newPerson, signIn, WIDE } from './support.mjs';

const SLOW_4G = { offline: false, latency: 150, downloadThroughput: (1.6 * 1024 * 1024) / 8, uploadThroughput: (750 * 1024) / 8 };
const SLOWER = 4;
const STEPS = 500;
const CATALOGUE = /\/api\/(node|trigger|integration)-types/;

function chains() {
  const nodes = Array.from({ length: STEPS }, (_, n) => ({ id: `n${n}`, type: 'transform', name: `Step ${n}`, config: { value: '{{ trigger.body }}' } }));
  const edges = nodes.slice(1).map(({ id }, n) => ({ from: `n${Math.floor(n / 2)}`, to: id }));
  return { nodes, edges };
}

/** What a page has loaded: bytes as they were sent, the catalogue apart. */
async function counted(session) {
  const sizes = { page: 0, catalogue: 0 };
  const addresses = new Map();
  await session.send('Network.enable');
  session.on('Network.requestWillBeSent', ({ requestId, request }) => addresses.set(requestId, request.url));
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    sizes[CATALOGUE.test(addresses.get(requestId) ?? '') ? 'catalogue' : 'page'] += encodedDataLength;
  });
  return sizes;
}

/** Seconds and kilobytes from an empty cache until `there` is. */
async function loaded(context, address, there) {
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  const sizes = await counted(session);
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  await session.send('Network.emulateNetworkConditions', SLOW_4G);
  await session.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  const begin = performance.now();
  await page.goto(address, { waitUntil: 'commit' });
  await there(page);
  const seconds = (performance.now() - begin) / 1000;
  const kb = (bytes) => Math.round(bytes / 1024);
  const found = { seconds: Number(seconds.toFixed(2)), kb: kb(sizes.page), catalogue_kb: kb(sizes.catalogue) };
  await page.close();
  return found;
}

const metric = async (session, name) => (await session.send('Performance.getMetrics')).metrics.find((one) => one.name === name).value;

/** Frames while something is done: how far they are apart, and how long the page worked for each. */
async function frames(page, session, act) {
  await page.evaluate(() => {
    const times = [];
    const note = (time) => {
      times.push(time);
      window.frames_seen = times;
      if (!window.frames_end) requestAnimationFrame(note);
    };
    window.frames_end = false;
    requestAnimationFrame(note);
  });
  const before = await metric(session, 'TaskDuration');
  await act();
  const work = (await metric(session, 'TaskDuration')) - before;
  const times = await page.evaluate(() => {
    window.frames_end = true;
    return window.frames_seen;
  });
  const gaps = times.slice(1).map((time, at) => time - times[at]).sort((a, b) => a - b);
  const at = (part) => Number((gaps[Math.floor(gaps.length * part)] ?? 0).toFixed(1));
  return { frames: gaps.length, median_ms: at(0.5), p95_ms: at(0.95), work_ms: Number(((work * 1000) / Math.max(1, gaps.length)).toFixed(1)) };
}

/** Moves of the pointer, one a frame. */
async function moves(page, count, to) {
  for (let n = 0; n < count; n += 1) {
    await to(n);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
}

async function large(context, id) {
  const page = await context.newPage();
  await page.goto(`${consoleUrl}/workflows/${id}`);
  const begin = performance.now();
  await card(page, 'Step 0').waitFor();
  const shown = (performance.now() - begin) / 1000;
  const session = await context.newCDPSession(page);
  await session.send('Performance.enable');
  const pane = await page.locator('.react-flow').boundingBox();
  const [x, y] = [pane.x + pane.width / 2, pane.y + pane.height / 2];
  await page.mouse.move(x, y);
  const zooming = await frames(page, session, () => moves(page, 40, (n) => page.mouse.wheel(0, n < 20 ? -60 : 40)));
  await page.mouse.move(pane.x + 20, pane.y + pane.height - 200);
  await page.mouse.down();
  const panning = await frames(page, session, () => moves(page, 60, (n) => page.mouse.move(pane.x + 20 + n * 5, pane.y + pane.height - 200 - n * 3)));
  await page.mouse.up();
  const node = page.locator('.react-flow__node-card').first();
  await node.scrollIntoViewIfNeeded();
  const box = await node.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  const dragging = await frames(page, session, () => moves(page, 60, (n) => page.mouse.move(box.x + box.width / 2 + n * 3, box.y + box.height / 2 + n * 2)));
  await page.mouse.up();
  const drawn = await page.locator('.react-flow__node').count();
  await page.close();
  return { seconds: Number(shown.toFixed(2)), drawn, zooming, panning, dragging };
}

const browser = await launch();
const ada = await newPerson();
const small = await ada.call('POST', '/api/workflows', { name: 'Small', definition: { nodes: chains().nodes.slice(0, 3), edges: [] } });
const many = await ada.call('POST', '/api/workflows', { name: 'Many steps', definition: chains() });
const stranger = await browser.newContext({ viewport: WIDE, locale: 'en-US' });
await loaded(stranger, consoleUrl, (page) => page.getByLabel('E-mail address').waitFor()); // functions are warm from here on
const signInPage = await loaded(stranger, consoleUrl, (page) => page.getByLabel('E-mail address').waitFor());
const context = await browser.newContext({ viewport: WIDE, locale: 'en-US' });
const first = await context.newPage();
await signIn(first, ada);
await first.goto(`${consoleUrl}/workflows/${small.id}`);
await card(first, 'Step 0').waitFor();
await first.close();
const editor = await loaded(context, `${consoleUrl}/workflows/${small.id}`, (page) => card(page, 'Step 0').waitFor());
const found = { sign_in: signInPage, editor, large: await large(context, many.id) };
await browser.close();
console.log(JSON.stringify(found));
