/** Arranges large workflows beside the page, which stays alive meanwhile. */

import { arrange, type Places, type ToArrange } from './arrange';

export interface Asked {
  key: string;
  wanted: ToArrange;
}

export interface Arranged {
  key: string;
  places: Places;
}

self.onmessage = ({ data }: MessageEvent<Asked>) => {
  self.postMessage({ key: data.key, places: arrange(data.wanted) } satisfies Arranged);
};
