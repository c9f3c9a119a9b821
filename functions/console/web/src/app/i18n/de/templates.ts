export default {
  Templates: 'Vorlagen',
  'It still needs something': 'Es fehlt noch etwas',
  'Steps with a red mark name a service that is not connected yet.': 'Schritte mit roter Marke nennen einen Dienst, der noch nicht verbunden ist.',
  'The workflow could not be made': 'Der Workflow konnte nicht angelegt werden',
  'Search templates': 'Vorlagen suchen',
  'Use this: {name}': 'Verwenden: {name}',
  'Use this': 'Verwenden',
  'No template fits that.': 'Keine Vorlage passt dazu.',
} satisfies Record<string, string>;
