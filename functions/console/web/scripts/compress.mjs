// Writes `.br` and `.gz` beside every file of the build that is worth it: HTTP APIs compress nothing.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const WORTH_IT = /\.(js|css|svg|json|txt)$/;
const LEAST_BYTES = 1024;
const brotli = promisify(brotliCompress);
const zip = promisify(gzip);

const folder = new URL('../dist/', import.meta.url).pathname;
const names = (await readdir(folder, { recursive: true })).filter((name) => WORTH_IT.test(name));
await Promise.all(
  names.map(async (name) => {
    const path = join(folder, name);
    const content = await readFile(path);
    if (content.length < LEAST_BYTES) return;
    const parameters = { [constants.BROTLI_PARAM_QUALITY]: 10, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
    await writeFile(`${path}.br`, await brotli(content, { params: parameters }));
    await writeFile(`${path}.gz`, await zip(content, { level: 9 }));
  }),
);
