// Prints what the specs and the pictures need to know of the local stack that runs, for a shell's `eval`.
import { execFileSync } from 'node:child_process';

const root = new URL('../../../../', import.meta.url).pathname;
const status = JSON.parse(execFileSync('uv', ['run', '--quiet', 'mainspring', 'status', '--json'], { cwd: root, encoding: 'utf8' }));
const values = { CONSOLE_URL: status.console_url, CONSOLE_EMAIL: status.email, CONSOLE_PASSWORD: status.password };
for (const [name, value] of Object.entries(values)) console.log(`export ${name}='${value}'`);
