// npm sumo-logger: three messages in one request.
const SumoLogger = require('sumo-logger');
const logger = new SumoLogger({
  endpoint: process.env.SOURCE_URL, sourceName: 'n', sourceCategory: 'c/d', hostName: 'h', sessionKey: 'session',
  onSuccess: () => process.exit(0), onError: (e) => { console.error(e); process.exit(1); },
});
logger.log(['one', { msg: 'two', EventID: '1' }, { msg: 'three\nof two lines' }], { timestamp: new Date('2026-01-02T03:04:05.678Z') });
