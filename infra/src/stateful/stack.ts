import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Names } from '../names.ts';
import type { Settings } from '../settings.ts';
import { Archive } from './archive.ts';
import { Backup } from './backup.ts';
import { Buckets } from './buckets.ts';
import { Keys } from './keys.ts';
import { Mail } from './mail.ts';
import { People } from './people.ts';
import { Tables } from './tables.ts';

/** What must outlive every deployment: it is not removed with the stack, and knows nothing of what runs on it. */
export class Stateful extends Stack {
  readonly keys: Keys;
  readonly tables: Tables;
  readonly archive: Archive;
  readonly mail: Mail;
  readonly buckets: Buckets;
  readonly people: People | undefined;

  constructor(scope: Construct, id: string, settings: Settings) {
    const local = settings.stage === 'local';
    super(scope, id, {
      stackName: `${settings.prefix}stateful`,
      description: 'Carepath: tables, keys, backups, mail',
      terminationProtection: !local,
    });
    const names = new Names(settings.prefix);
    const removal = local ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN;
    this.keys = new Keys(this, names, removal);
    this.tables = new Tables(this, names, this.keys.data, removal, settings);
    this.buckets = new Buckets(this, removal);
    this.archive = new Archive(this, names, this.keys, this.buckets.accessLogs, removal);
    this.mail = new Mail(this, names, this.keys.messages, settings, this.archive);
    this.people = settings.identity === undefined ? new People(this, names, removal) : undefined;
    // The emulator rejects a selection of backups.
    if (!local) new Backup(this, names, this.keys.data, this.tables, removal);
  }
}
