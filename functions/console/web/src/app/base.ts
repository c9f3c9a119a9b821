/** Where the console and the API are: the page says it, since the API may answer below a path. */

function meta(name: string): string {
  return document.querySelector(`meta[name="${name}"]`)?.getAttribute('content') ?? '';
}

/** The path before `/api` and `/console`, without a slash at its end; empty for an API at its host's root. */
export const apiBase = meta('console-base');

/** The console's own path, which the router's paths begin behind. */
export const consoleBase = `${apiBase}/console`;

/** What the content security policy lets `<style>` elements carry that libraries make. */
export const styleNonce = meta('console-nonce');

/** The API's address as a person would copy it, such as for a webhook. */
export const apiUrl = `${location.origin}${apiBase}`;
