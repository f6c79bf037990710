// npm splunk-logging: HEC events in a batch.
const { Logger } = require('splunk-logging');
const logger = new Logger({ token: process.env.TOKEN, url: process.env.BASE_URL, batchInterval: 0, maxBatchCount: 2 });
logger.error = (e, context) => { console.error(e, context); process.exit(1); };
const metadata = { time: 1767323045.678, host: 'hst', source: 'src', sourcetype: 'st', index: 'main' };
logger.send({ message: { temperature: '70F' }, severity: 'info', metadata }, () => {});
logger.send({ message: 'a line', severity: 'error', metadata }, (e, resp, body) => {
  if (e || body.code !== 0) { console.error(e, body); process.exit(1); }
  process.exit(0);
});
