export default {
  'Getting started': 'Erste Schritte',
  'The workflow could not be made': 'Der Workflow konnte nicht angelegt werden',
  'Welcome, {name}': 'Willkommen, {name}',
  Welcome: 'Willkommen',
  'A workflow does work for you: when something happens, it runs step by step, waits where people decide, and tells what it did.':
    'Ein Workflow arbeitet für Sie: Wenn etwas geschieht, läuft er Schritt für Schritt, wartet, wo Menschen entscheiden, und zeigt, was er getan hat.',
  'See one run': 'Einen laufen sehen',
  'We make a small workflow that checks an order, and run it. You see what each step did.':
    'Wir legen einen kleinen Workflow an, der eine Bestellung prüft, und starten ihn. Sie sehen, was jeder Schritt getan hat.',
  'Make it and run it': 'Anlegen und starten',
  'Begin with a template': 'Mit einer Vorlage beginnen',
  'Approvals, reports, web hooks, synchronizing: take one that is near to what you need, and change it.':
    'Genehmigungen, Berichte, Webhooks, Abgleiche: Nehmen Sie eine, die zu Ihrer Aufgabe passt, und ändern Sie sie.',
  'Show the templates': 'Vorlagen zeigen',
  'Draw your own': 'Selbst zeichnen',
  'Begin with an empty canvas and add one step after the other.':
    'Beginnen Sie mit einer leeren Fläche und fügen Sie einen Schritt nach dem anderen hinzu.',
  'To the workflows': 'Zu den Workflows',
  'More than 1,000?': 'Mehr als 1.000?',
  'Somebody has to look': 'Jemand muss es ansehen',
  'a person decides': 'ein Mensch entscheidet',
  Accepted: 'Angenommen',
  'accepted at once': 'sofort angenommen',
  'My first workflow': 'Mein erster Workflow',
} satisfies Record<string, string>;
