export default {
  'Please decide': 'Bitte entscheiden Sie',
  'This link is good for nothing any more': 'Dieser Link gilt nicht mehr',
  'It was cut off on its way, or whoever it was mailed to may not decide any more.':
    'Er ist unvollständig, oder wer ihn bekommen hat, darf nicht mehr entscheiden.',
  '{n} of {needs} approved': '{n} von {needs} haben zugestimmt',
  'Your answer is taken': 'Ihre Antwort ist angekommen',
  'It is approved': 'Es ist genehmigt',
  'It is rejected': 'Es ist abgelehnt',
  'The time to answer is over': 'Die Frist ist vorbei',
  'Further people have to approve it': 'Weitere müssen noch zustimmen',
} satisfies Record<string, string>;
