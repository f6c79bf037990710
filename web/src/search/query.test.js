import assert from 'node:assert/strict';
import test from 'node:test';
import { edited, piped, scope } from './query.js';
import { what } from './what.js';

test('the search expression', () => {
  assert.equal(scope('_sourceCategory=*sysmon*\n| json auto'), '_sourceCategory=*sysmon*');
  assert.equal(scope('"a | b" and c | count'), '"a | b" and c');
  assert.equal(scope('"a \\" | b" | count'), '"a \\" | b"');
  assert.equal(scope('| count'), '*');
  assert.equal(scope('a // x | y\n| count'), 'a // x | y');
  assert.equal(scope('a /* | */ b | count'), 'a /* | */ b');
  assert.equal(scope('https://x.example | count'), 'https://x.example');
  assert.equal(scope(''), '*');
});

test('edits', () => {
  assert.equal(edited('a cuont b', [{ from: 2, to: 7, text: 'count' }]), 'a count b');
  assert.equal(edited('abc', [{ from: 0, to: 1, text: 'X' }, { from: 2, to: 3, text: 'YZ' }]), 'XbYZ');
  assert.equal(piped('', 'count'), '*\n| count');
});

test('what happened is said by kind', () => {
  const row = (o) => what((k) => o[k] ?? '', () => 'rest');
  assert.deepEqual(row({ EventID: '1', Image: 'C:\\a\\cmd.exe', CommandLine: 'cmd /c x', ParentImage: 'p' }), { kind: 'process', strong: 'cmd.exe', text: 'cmd /c x' });
  assert.deepEqual(row({ EventID: '3', Image: '/usr/bin/curl', DestinationIp: '192.0.2.1', DestinationPort: '443' }), { kind: 'network', strong: 'curl', text: '→ 192.0.2.1:443' });
  assert.deepEqual(row({ EventID: '22', Image: 'a\\b', QueryName: 'x.example' }), { kind: 'dns', strong: 'b', text: 'asks for x.example' });
  assert.deepEqual(row({ EventID: '4625', LogonType: '3', TargetUserName: 'adm', IpAddress: '-' }), { kind: 'logon', strong: 'adm', text: 'fails to log on, type 3' });
  assert.deepEqual(row({ EventID: '7036' }), { kind: 'event 7036', strong: '', text: 'rest' });
  assert.deepEqual(row({}), { kind: '', strong: '', text: 'rest' });
});

test('a signal and a record of Cloud SIEM say what happened', () => {
  const of = (o) => what((k) => o[k] ?? '', () => 'rest');
  assert.deepEqual(of({ objectClassification: 'Signal', ruleId: 'MATCH-1', name: 'Browser starts x.exe', entities: '[{"value":"ws-1"}]', summary: 'a started x.exe' }), { kind: 'signal', strong: 'Browser starts x.exe', text: 'ws-1: a started x.exe' });
  assert.deepEqual(of({ objectClassification: 'Signal', ruleId: 'MATCH-1', name: 'N', entities: 'no list' }), { kind: 'signal', strong: 'N', text: '' });
  assert.deepEqual(of({ metadata_mapperName: 'm', baseImage: 'C:\\a\\chrome.exe', dstDevice_ip: '192.0.2.1', dstPort: '443' }), { kind: 'record', strong: 'chrome.exe', text: '→ 192.0.2.1:443' });
});
