import { App } from 'aws-cdk-lib';
import { install } from '../src/app.ts';
import { settingsOf } from '../src/settings.ts';

const app = new App();
install(app, settingsOf(app.node));
