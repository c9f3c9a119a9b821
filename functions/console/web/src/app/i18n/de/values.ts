/** Values of any kind (`ValueView`). */
export default {
  Copy: 'Kopieren',
  Copied: 'Kopiert',
  'Show as fields': 'Als Felder zeigen',
  'Show as JSON': 'Als JSON zeigen',
  nothing: 'nichts',
  'empty text': 'leerer Text',
  'no fields': 'keine Felder',
  'empty list': 'leere Liste',
  '{n} more': '{n} weitere',
  'Show all': 'Alles zeigen',
} satisfies Record<string, string>;
