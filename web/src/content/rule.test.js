import assert from 'node:assert/strict';
import test from 'node:test';
import { copyOf, kindOf, template, valueless } from './rule.js';

test('a copy is a rule of its own', () => {
  assert.equal(copyOf("kind: match_rule\nid: A-1\nname: What's new\nexpression: a = 'b'\n"), "kind: match_rule\nname: 'What''s new (copy)'\nexpression: a = 'b'\n");
  assert.equal(copyOf("name: 'It''s'\nid: A-1\n"), "name: 'It''s (copy)'\n");
});

test('a name without a value is found', () => {
  assert.equal(valueless(template), false);
  assert.equal(valueless('kind: match_rule\nname: Browser starts a program\n'), true);
  assert.equal(valueless('kind: match_rule\nname: a {{baseImage}}\nname_expression: b\n'), true);
  assert.equal(valueless('kind: chain_rule\nname: a\n'), false);
});

test('kinds are words', () => {
  assert.equal(kindOf({ kind: 'first_seen', source: 'builtin' }), 'Cloud SIEM first seen, built in');
  assert.equal(kindOf({ kind: 'query', source: 'package' }), 'package query');
});
