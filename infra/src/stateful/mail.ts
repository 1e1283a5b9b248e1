import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  CfnConfigurationSetEventDestination,
  ConfigurationSet,
  ConfigurationSetTlsPolicy,
  EmailIdentity,
  EmailSendingEvent,
  EventDestination,
  HttpsPolicy,
  Identity,
  SuppressionReasons,
} from 'aws-cdk-lib/aws-ses';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { CLASSES, type MailClass, type Names } from '../names.ts';
import type { Settings } from '../settings.ts';
import type { Archive } from './archive.ts';

/**
 * What SES is told once: a configuration set for each class of mail, where its events go, and the domain that mails
 * are from.
 */
export class Mail extends Construct {
  /** Where SES writes what became of each mail: recipients and headers, so contact data. */
  readonly events: Topic;
  readonly sets: Record<MailClass, ConfigurationSet>;

  constructor(scope: Construct, names: Names, key: IKey, settings: Settings, archive: Archive) {
    super(scope, 'Mail');
    this.events = new Topic(this, 'Events', { topicName: names.sesEvents, masterKey: key, enforceSSL: true });
    const sets = CLASSES.map((name) => [name, this.set(name, names, settings, archive)] as const);
    this.sets = Object.fromEntries(sets) as Record<MailClass, ConfigurationSet>;
    if (settings.mailDomain !== undefined) this.identity(settings.mailDomain, settings.stage);
  }

  private set(name: MailClass, names: Names, settings: Settings, archive: Archive): ConfigurationSet {
    const set = new ConfigurationSet(this, name[0]?.toUpperCase() + name.slice(1), {
      configurationSetName: names.of(name),
      tlsPolicy: ConfigurationSetTlsPolicy.REQUIRE,
      reputationMetrics: true,
      suppressionReasons: SuppressionReasons.BOUNCES_AND_COMPLAINTS,
      ...(settings.trackingDomain === undefined
        ? {}
        : { customTrackingRedirectDomain: settings.trackingDomain, customTrackingHttpsPolicy: HttpsPolicy.REQUIRE }),
    });
    set.addEventDestination('Events', {
      configurationSetEventDestinationName: names.sesEvents,
      destination: EventDestination.snsTopic(this.events),
      events: Object.values(EmailSendingEvent),
    });
    // The construct of the CDK for this kind of destination wants a stream of its own kind.
    new CfnConfigurationSetEventDestination(set, 'Archive', {
      configurationSetName: set.configurationSetName,
      eventDestination: {
        name: names.of('mail-events'),
        enabled: true,
        matchingEventTypes: Object.values(EmailSendingEvent),
        kinesisFirehoseDestination: {
          deliveryStreamArn: archive.stream.attrArn,
          iamRoleArn: archive.writer.roleArn,
        },
      },
    });
    return set;
  }

  private identity(domain: string, stage: Settings['stage']): void {
    const identity = new EmailIdentity(this, 'Domain', {
      identity: Identity.domain(domain),
      mailFromDomain: `bounce.${domain}`,
      feedbackForwarding: false,
    });
    // The emulator signs nothing, and takes every domain for verified.
    if (stage === 'local') return;
    identity.dkimRecords.forEach((record, at) => {
      new CfnOutput(this, `Dkim${at + 1}`, {
        description: 'CNAME for DKIM',
        value: `${record.name} CNAME ${record.value}`,
      });
    });
    new CfnOutput(this, 'MailFrom', {
      description: 'MX and TXT for the return path',
      value: `bounce.${domain} MX 10 feedback-smtp.${Stack.of(this).region}.amazonses.com, TXT "v=spf1 include:amazonses.com -all"`,
    });
  }
}
