import { fileURLToPath } from 'node:url';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { parse } from 'yaml';

// `MAINSPRING_URL` is the API's address, as `mainspring status` prints it: the dev server hands `/api` and `/hooks` on.
const api = process.env.MAINSPRING_URL ?? 'http://127.0.0.1:4566/_aws/execute-api/a5c0de00';
// The session's cookie is for the API's own path, which the dev server has not.
const handedOn = { target: api, changeOrigin: true, cookiePathRewrite: '/' };

// The examples' test cases are YAML; as JSON no parser of it is in the bundle.
const cases: Plugin = {
  name: 'test-cases',
  transform(code, id) {
    return id.endsWith('.test.yaml') ? { code: `export default ${JSON.stringify(parse(code))}`, map: null } : null;
  },
};

export default defineConfig({
  base: './',
  plugins: [react(), tailwindcss(), cases],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: { proxy: { '/api': handedOn, '/hooks': handedOn } },
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    cssTarget: ['chrome125', 'firefox125', 'safari18'], // these know light-dark()
    outDir: 'dist',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    reportCompressedSize: false,
  },
});
