// The four states of a technique: what they say, and their glyph in a box of 16.
export const states = {
  fires: { text: 'Rules with tests, data comes in', short: 'tested, data comes in', path: 'M2.5 8.5l3.5 4 7.5-9' },
  rules: { text: 'Rules, no test here', short: 'rules, no test here', path: 'M3 3h10v10H3z' },
  nodata: { text: 'Rules, but no log to fire on', short: 'rules, but no log to fire on', path: 'M3 3l10 10M13 3L3 13' },
  none: { text: 'No rule', short: 'no rule', path: 'M3 8h10' },
};
