export default {
  Settings: 'Einstellungen',
  You: 'Sie',
  Name: 'Name',
  'Sign out': 'Abmelden',
  Appearance: 'Darstellung',
  Colors: 'Farben',
  'As the system': 'Wie das System',
  Light: 'Hell',
  Dark: 'Dunkel',
  Language: 'Sprache',
} satisfies Record<string, string>;
