// Writes `src/api/schema.d.ts` from the API's own description, which the Python handlers give.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import openapiTS, { astToString } from 'openapi-typescript';

const WRITE = 'import json; from functions.openapi import build; print(json.dumps(build()))';
const root = new URL('../../../../', import.meta.url).pathname;
const { stdout } = await promisify(execFile)('uv', ['run', '--quiet', 'python', '-c', WRITE], {
  cwd: root,
  env: { ...process.env, AWS_DEFAULT_REGION: 'us-east-1' },
  maxBuffer: 64 * 1024 * 1024,
});
const tree = await openapiTS(JSON.parse(stdout), { defaultNonNullable: false });
await writeFile(new URL('../src/api/schema.d.ts', import.meta.url), astToString(tree));
