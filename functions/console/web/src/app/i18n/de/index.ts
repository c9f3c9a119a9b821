/** All German texts, one chunk. Each file beside this one has those of one screen. */
const files = import.meta.glob<Record<string, string>>(['./*.ts', '!./index.ts'], { eager: true, import: 'default' });

export default Object.assign({}, ...Object.values(files)) as Record<string, string>;
