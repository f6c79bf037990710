// What happened, in one line: which of a message's fields say it depends on the kind of its
// event. A row gives fields by name, letter case aside.

import { base as last } from '../parts/query.js';

/** Whether a row is a signal of Cloud SIEM. */
export function isSignal(f) {
  return f('objectClassification') === 'Signal' && f('ruleId') !== '';
}

// The first entity of a signal, as it is told.
function entityOf(f) {
  try {
    return JSON.parse(f('entities'))[0]?.value ?? '';
  } catch {
    return '';
  }
}

/** The kinds: when an event is of it, its name, and its parts: strong, text. First match counts. */
const kinds = [
  // Signals and records of Cloud SIEM, _index=sec_signal and sec_record*.
  ['signal', isSignal, (f) => [[f('name')], `${entityOf(f)}${f('summary') ? ': ' + f('summary') : ''}`]],
  ['record', (f) => f('metadata_mapperName') && (f('baseImage') || f('commandLine')), (f) => [[last(f('baseImage')) || f('action')], `${f('dns_query') ? 'asks for ' + f('dns_query') : f('dstDevice_ip') ? '→ ' + f('dstDevice_ip') + (f('dstPort') ? ':' + f('dstPort') : '') : f('commandLine') || f('file_path') || f('action')}`]],
  ['process', (f) => f('NewProcessName') || (f('CommandLine') && f('Image') && f('ParentImage')), (f) => [[last(f('Image') || f('NewProcessName'))], f('CommandLine') || f('ProcessCommandLine')]],
  ['dns', (f) => f('QueryName') && f('Image'), (f) => [[last(f('Image'))], `asks for ${f('QueryName')}`]],
  ['network', (f) => f('DestinationIp'), (f) => [[last(f('Image') || f('Application') || f('SourceIp'))], `→ ${f('DestinationHostname') ? f('DestinationHostname') + ' ' : ''}${f('DestinationIp')}${f('DestinationPort') ? ':' + f('DestinationPort') : ''}`]],
  ['registry', (f) => f('TargetObject'), (f) => [[last(f('Image'))], `sets ${f('TargetObject')}${f('Details') ? ' = ' + f('Details') : ''}`]],
  ['file', (f) => f('TargetFilename'), (f) => [[last(f('Image'))], `writes ${f('TargetFilename')}`]],
  ['access', (f) => f('TargetImage') && f('SourceImage'), (f) => [[last(f('SourceImage'))], `reaches into ${last(f('TargetImage'))} ${f('GrantedAccess')}`]],
  ['image', (f) => f('ImageLoaded'), (f) => [[last(f('Image'))], `loads ${f('ImageLoaded')}`]],
  ['script', (f) => f('ScriptBlockText'), (f) => [['PowerShell'], f('ScriptBlockText')]],
  ['logon', (f) => f('LogonType') && f('TargetUserName'), (f) => [[f('TargetUserName')], `${f('EventID') === '4625' ? 'fails to log on' : 'logs on'}, type ${f('LogonType')}${/^[\d.:a-f]+$/i.test(f('IpAddress')) ? ' from ' + f('IpAddress') : ''}`]],
  ['service', (f) => f('ServiceName') && f('ImagePath'), (f) => [[f('ServiceName')], f('ImagePath')]],
  ['process', (f) => f('Image') && f('CommandLine'), (f) => [[last(f('Image'))], f('CommandLine')]],
  ['cloud', (f) => f('eventName') && f('eventSource'), (f) => [[f('eventName')], `${f('eventSource')} ${f('userIdentity.arn') || f('sourceIPAddress')}`]],
  ['request', (f) => (f('method') || f('cs_method')) && (f('url') || f('uri') || f('cs_uri_stem')), (f) => [[f('method') || f('cs_method')], `${f('url') || f('uri') || f('cs_uri_stem')} ${f('status') || f('sc_status')}`]],
];

/** {kind, strong, text} of a row: get(name) gives a field's text, '' for none. */
export function what(get, rest) {
  for (const [kind, is, say] of kinds) {
    if (!is(get)) continue;
    const [[strong], text] = say(get);
    return { kind, strong, text };
  }
  const id = get('EventID');
  return { kind: id ? `event ${id}` : '', strong: '', text: rest() };
}

/** Fields that are listed first, where messages have them. */
export const oftenUsed = ['Computer', 'User', 'EventID', 'Image', 'ParentImage', 'CommandLine', 'DestinationIp', 'DestinationHostname', 'QueryName', 'TargetFilename', 'TargetObject', 'TargetUserName', 'IpAddress', 'eventName', 'eventSource', 'sourceIPAddress', 'host', 'user', 'status', 'level', '_sourceCategory', '_sourceHost'];
