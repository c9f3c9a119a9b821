/** Finds pages of the reference by words. */
export interface ReferencePage {
  id: string;
  title: string;
  group: string;
  markdown: string;
}

export interface Hit {
  page: ReferencePage;
  /** A line of the page with one of the words, where the title has not all of them. */
  line: string | null;
}

const TITLE = 100;

/** The pages that have every word, those with a word in their title first. */
export function search(pages: readonly ReferencePage[], text: string): Hit[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return pages.map((page) => ({ page, line: null }));
  return pages
    .map((page) => scored(page, words))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ page, line }) => ({ page, line }));
}

function scored(page: ReferencePage, words: readonly string[]): Hit & { score: number } {
  const title = `${page.title} ${page.id}`.toLowerCase();
  const body = page.markdown.toLowerCase();
  if (!words.every((word) => title.includes(word) || body.includes(word))) return { page, line: null, score: 0 };
  const inTitle = words.filter((word) => title.includes(word)).length;
  const count = words.reduce((sum, word) => sum + Math.min(body.split(word).length - 1, 9), 0);
  const missing = words.find((word) => !title.includes(word));
  const line = missing ? lineWith(page.markdown, missing) : null;
  return { page, line, score: inTitle * TITLE + count + 1 };
}

function lineWith(markdown: string, word: string): string | null {
  const line = markdown.split('\n').find((one) => one.toLowerCase().includes(word));
  return line ? line.replace(/[`|*#]/g, ' ').replace(/\s+/g, ' ').trim() : null;
}
