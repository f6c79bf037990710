// npm @elastic/elasticsearch: its bulk helper, which counts what was taken.
const { Client } = require('@elastic/elasticsearch');
const client = new Client({ node: process.env.BASE_URL, auth: { username: process.env.ACCESS_ID, password: process.env.ACCESS_KEY } });
(async () => {
  await client.ping();
  const info = await client.info();
  if (!info.version.number) throw new Error('no version');
  const datasource = [1, 2, 3].map((n) => ({ '@timestamp': `2026-01-02T03:04:0${n}.000Z`, message: `document ${n}`, n }));
  const result = await client.helpers.bulk({ datasource, onDocument: () => ({ create: { _index: 'logs-app' } }) });
  if (result.successful !== 3 || result.failed !== 0) throw new Error(JSON.stringify(result));
  const one = await client.index({ index: 'logs-one', document: { '@timestamp': '2026-01-02T03:04:05.000Z', message: 'alone' } });
  if (one.result !== 'created') throw new Error(JSON.stringify(one));
  const mixed = await client.bulk({ operations: [{ delete: { _index: 'x', _id: '1' } }] });
  if (!mixed.errors) throw new Error('a deletion was taken');
  const key = new Client({ node: process.env.BASE_URL, auth: { apiKey: { id: process.env.ACCESS_ID, api_key: process.env.ACCESS_KEY } } });
  await key.info();
})().then(() => process.exit(0), (e) => { console.error(e); process.exit(1); });
