export default {
  Invitation: 'Einladung',
  'This invitation is good for nothing any more': 'Diese Einladung gilt nicht mehr',
  'It was accepted or withdrawn, or a week is over. If you do not have access yet, ask whoever invited you for a new one.':
    'Sie wurde angenommen oder zurückgezogen, oder die Woche ist um. Wenn Sie noch keinen Zugang haben, bitten Sie um eine neue.',
  'Go to the console': 'Zur Konsole',
  'Come to {name}': 'Kommen Sie zu {name}',
  '{who} invites {email} as: {role}.': '{who} lädt {email} ein; Rolle: {role}.',
  'Good until {time}.': 'Gültig bis {time}.',
  'You are a member already.': 'Sie sind schon Mitglied.',
  'Go there': 'Hingehen',
  'Accept the invitation': 'Einladung annehmen',
  'You are signed in as {email}. The invitation is for somebody else.': 'Sie sind als {email} angemeldet. Die Einladung ist für jemand anderen.',
  'Sign out and go on': 'Abmelden und weiter',
  'Sign in to accept': 'Melden Sie sich an, um anzunehmen',
  'Create your account to accept': 'Legen Sie ein Konto an, um anzunehmen',
  'There is an account with this address. Sign in with it.': 'Es gibt schon ein Konto mit dieser Adresse. Melden Sie sich damit an.',
} satisfies Record<string, string>;
