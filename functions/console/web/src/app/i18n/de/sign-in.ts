export default {
  'Sign in': 'Anmelden',
  'Create your account': 'Konto anlegen',
  'Create an account': 'Konto anlegen',
  'Create account': 'Konto anlegen',
  'You have an account already?': 'Sie haben schon ein Konto?',
  'You are new here?': 'Sie sind neu hier?',
  'E-mail address': 'E-Mail-Adresse',
  Password: 'Passwort',
  'Your name': 'Ihr Name',
  'At least {n} characters.': 'Mindestens {n} Zeichen.',
  'A password has at least {n} characters.': 'Ein Passwort hat mindestens {n} Zeichen.',
  'The server cannot be reached. Check your connection and try again.':
    'Der Server ist nicht erreichbar. Prüfen Sie die Verbindung und versuchen Sie es noch einmal.',
  'The e-mail address or the password is wrong.': 'Die E-Mail-Adresse oder das Passwort ist falsch.',
  'Registration is closed. An administrator can add you.':
    'Die Registrierung ist geschlossen. Eine Administratorin oder ein Administrator kann Sie hinzufügen.',
  'Too many failed sign-ins. Try again later.': 'Zu viele fehlgeschlagene Anmeldungen. Versuchen Sie es später noch einmal.',
  'Your session has ended': 'Ihre Sitzung ist abgelaufen',
  'Sign in again to go on. Nothing that you typed is lost.':
    'Melden Sie sich wieder an, um weiterzuarbeiten. Nichts, was Sie eingegeben haben, geht verloren.',
  'Sign in as somebody else': 'Als jemand anderes anmelden',
} satisfies Record<string, string>;
