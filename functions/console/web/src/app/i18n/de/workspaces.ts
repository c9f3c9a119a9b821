export default {
  Workspaces: 'Arbeitsbereiche',
  'Workspace: {name}': 'Arbeitsbereich: {name}',
  'Create a workspace': 'Arbeitsbereich anlegen',
  'Go to workspace {name}': 'Zum Arbeitsbereich {name}',
  'It has its own workflows, integrations and tables, and whoever you invite.':
    'Er hat eigene Workflows, Integrationen und Tabellen und alle, die Sie einladen.',
  'Such as the team that works in it.': 'Zum Beispiel das Team, das darin arbeitet.',
  'You are no member of {name} any more': 'Sie sind kein Mitglied von {name} mehr',
  'This is your own workspace.': 'Dies ist Ihr eigener Arbeitsbereich.',
} satisfies Record<string, string>;
