// What the pages of rules say of a rule.

/** The address of a rule that is not there yet. */
export const fresh = 'new';

const kinds = {
  match: 'Cloud SIEM match',
  threshold: 'Cloud SIEM threshold',
  chain: 'Cloud SIEM chain',
  aggregation: 'Cloud SIEM aggregation',
  first_seen: 'Cloud SIEM first seen',
  outlier: 'Cloud SIEM outlier',
  query: 'query',
  sigma: 'Sigma',
};

/** Its kind in words, with the package that it is of. */
export const kindOf = (r) => (r.source === 'package' ? `package ${kinds[r.kind] ?? r.kind}` : (kinds[r.kind] ?? r.kind)) + (r.source === 'builtin' ? ', built in' : '');

/** A new rule to begin with. */
export const template = `kind: match_rule
name: Browser starts PowerShell
enabled: true
is_prototype: true
stream: record
expression: lower(parentBaseImage) LIKE '%\\chrome.exe' AND lower(baseImage) LIKE '%\\powershell.exe'
name_expression: Browser starts {{baseImage}}
summary_expression: '{{parentBaseImage}} started {{commandLine}}'
entity_selectors:
  - entity_type: _hostname
    expression: device_hostname
score_mapping:
  type: constant
  default: 6
tags: ['_mitreAttackTactic:TA0002', '_mitreAttackTechnique:T1204.001']
`;

/** The rule's text without what makes it that rule: a copy is a rule of its own. */
export function copyOf(yaml) {
  return yaml
    .replace(/^id:.*\n/m, '')
    .replace(/^name: *(.*)$/m, (_, name) => `name: ${/^['"]/.test(name) ? name.slice(0, -1) + ' (copy)' + name.slice(-1) : `'${name.replaceAll("'", "''")} (copy)'`}`);
}

/**
 * Whether a rule's signals are told apart by a value: without one, an entity's later signals
 * of the rule are repeats for twelve hours and are not scored.
 */
export function valueless(yaml) {
  if (!/^kind: *['"]?(match|templated)_rule/m.test(yaml)) return false;
  const m = /^name_expression: *(.*)$/m.exec(yaml) ?? /^name: *(.*)$/m.exec(yaml);
  return Boolean(m) && !/\{\{.+?\}\}/.test(m[1]);
}
