export default {
  Help: 'Hilfe',
  'All of the help': 'Die ganze Hilfe',
  'Search the help': 'Hilfe durchsuchen',
  'A step, a field, an error code …': 'Ein Schritt, ein Feld, ein Fehlercode …',
  '{n, plural, one {# page} other {# pages}}': '{n, plural, one {# Seite} other {# Seiten}}',
  'Try another word, or fewer.': 'Versuchen Sie ein anderes Wort oder weniger Wörter.',
} satisfies Record<string, string>;
