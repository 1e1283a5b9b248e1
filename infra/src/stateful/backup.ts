import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { BackupPlan, BackupPlanRule, BackupResource, BackupVault } from 'aws-cdk-lib/aws-backup';
import { Schedule } from 'aws-cdk-lib/aws-events';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { Names } from '../names.ts';
import type { Tables } from './tables.ts';

/**
 * Copies beside the tables' own points in time, in a vault from which nobody deletes by hand: a day's for five weeks, a
 * month's for a year.
 */
export class Backup extends Construct {
  constructor(scope: Construct, names: Names, key: IKey, tables: Tables, removal: RemovalPolicy) {
    super(scope, 'Backup');
    const vault = new BackupVault(this, 'Vault', {
      backupVaultName: names.of('backups'),
      encryptionKey: key,
      blockRecoveryPointDeletion: true,
      removalPolicy: removal,
    });
    const rule = (ruleName: string, scheduleExpression: Schedule, days: number) =>
      new BackupPlanRule({
        ruleName,
        scheduleExpression,
        startWindow: Duration.hours(1),
        completionWindow: Duration.hours(8),
        deleteAfter: Duration.days(days),
      });
    const plan = new BackupPlan(this, 'Plan', {
      backupPlanName: names.of('tables'),
      backupVault: vault,
      backupPlanRules: [
        rule('daily', Schedule.cron({ minute: '10', hour: '3' }), 35),
        rule('monthly', Schedule.cron({ minute: '40', hour: '3', day: '1' }), 366),
      ],
    });
    plan.addSelection('Tables', { resources: tables.all.map((table) => BackupResource.fromDynamoDbTable(table)) });
  }
}
