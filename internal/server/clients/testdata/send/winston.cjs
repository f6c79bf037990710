// npm winston-sumologic-transport: a batch of messages.
const winston = require('winston');
const { SumoLogic } = require('winston-sumologic-transport');
const transport = new SumoLogic({ url: process.env.SOURCE_URL });
const logger = winston.createLogger({ transports: [transport] });
logger.info('wmsg', { k: 'v' });
logger.error('second');
setTimeout(() => process.exit(0), 2500); // it sends once a second
