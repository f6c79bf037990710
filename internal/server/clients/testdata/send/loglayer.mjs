// npm @loglayer/transport-sumo-logic: gzip and fields.
import { createRequire } from 'module';
const require = createRequire(process.env.CLIENTS + '/');
const { SumoLogicTransport } = require('@loglayer/transport-sumo-logic');
const { LogLayer } = require('loglayer');
const log = new LogLayer({
  transport: new SumoLogicTransport({
    url: process.env.SOURCE_URL, sourceCategory: 'cat', sourceName: 'nm', sourceHost: 'hst', fields: { env: 'prod' },
    onError: (e) => { console.error(e); process.exit(1); },
  }),
});
log.withMetadata({ x: 1 }).info('layer');
setTimeout(() => process.exit(0), 1000);
