// Queries that pages make of what is shown.

/** A value as the language quotes it. */
export const quote = (v) => `"${String(v).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t')}"`;

/** The messages of a host around a time: the query of Search, {q, from, to}. */
export function around(fields, time, minutes = 5) {
  const has = Object.fromEntries(fields ?? []);
  const host = ['Computer', 'host', 'hostname', 'device_hostname'].find((f) => has[f]);
  const q = host ? `_sourceCategory=*\n| json auto\n| where ${host} = ${quote(has[host])}` : '*';
  return { q, from: time - minutes * 60000, to: time + minutes * 60000 };
}

/** The last part of a path of Windows or Unix. */
export const base = (path) => String(path ?? '').replace(/^"|"$/g, '').split(/[\\/]/).pop() || String(path ?? '');
