import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnDeliveryStream } from 'aws-cdk-lib/aws-kinesisfirehose';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Names } from '../names.ts';
import type { Keys } from './keys.ts';

/**
 * How long it is kept: as long as dead letters are, and so no longer than anything else of a contact that was deleted.
 * Whoever asks about an attempt does so within days.
 */
const KEPT = Duration.days(14);

/**
 * The second way by which SES tells what became of mails: all of it, into a bucket that is read when somebody asks about
 * one mail. What lies there names recipients, so it is contact data.
 */
export class Archive extends Construct {
  readonly bucket: Bucket;
  readonly stream: CfnDeliveryStream;
  /** In which SES writes to the stream. */
  readonly writer: Role;

  constructor(scope: Construct, names: Names, keys: Keys, logs: IBucket, removal: RemovalPolicy) {
    super(scope, 'Archive');
    this.bucket = new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.KMS,
      encryptionKey: keys.data,
      // One request to KMS for many objects.
      bucketKeyEnabled: true,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: removal,
      versioned: true,
      lifecycleRules: [
        { expiration: KEPT, noncurrentVersionExpiration: Duration.days(1) },
        { abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
      serverAccessLogsBucket: logs,
      serverAccessLogsPrefix: 'mail-events/',
    });
    this.stream = this.delivery(names, keys);
    const conditions = { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } };
    const ses = new ServicePrincipal('ses.amazonaws.com', { conditions });
    this.writer = this.role('Writer', ses, 'SES may hand over what becomes of mails', [
      new PolicyStatement({ actions: ['firehose:PutRecordBatch'], resources: [this.stream.attrArn] }),
    ]);
  }

  private delivery(names: Names, keys: Keys): CfnDeliveryStream {
    const { region, urlSuffix } = Stack.of(this);
    // Firehose says nowhere that it names the source when it takes the role, and a condition that it does not meet would
    // stop the delivery. The role may write to this one bucket.
    const firehose = new ServicePrincipal('firehose.amazonaws.com');
    const role = this.role('Deliverer', firehose, 'Firehose may write what becomes of mails', [
      new PolicyStatement({
        actions: ['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'],
        resources: [this.bucket.bucketArn],
      }),
      new PolicyStatement({
        actions: ['s3:PutObject', 's3:AbortMultipartUpload'],
        resources: ['events/*', 'failed/*'].map((keys) => this.bucket.arnForObjects(keys)),
      }),
      new PolicyStatement({
        actions: ['kms:GenerateDataKey', 'kms:Decrypt'],
        resources: [keys.data.keyArn],
        conditions: { StringEquals: { 'kms:ViaService': `s3.${region}.${urlSuffix}` } },
      }),
    ]);
    return new CfnDeliveryStream(this, 'Stream', {
      deliveryStreamName: names.of('mail-events'),
      deliveryStreamType: 'DirectPut',
      deliveryStreamEncryptionConfigurationInput: { keyType: 'CUSTOMER_MANAGED_CMK', keyArn: keys.messages.keyArn },
      extendedS3DestinationConfiguration: {
        bucketArn: this.bucket.bucketArn,
        roleArn: role.roleArn,
        // Whoever reads it (shared/aws/src/ses/archive.rs) knows these: the hour, five minutes, no compression.
        prefix: 'events/!{timestamp:yyyy/MM/dd/HH}/',
        errorOutputPrefix: 'failed/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH}/',
        bufferingHints: { intervalInSeconds: 300, sizeInMBs: 5 },
        compressionFormat: 'UNCOMPRESSED',
        processingConfiguration: {
          enabled: true,
          processors: [
            {
              type: 'AppendDelimiterToRecord',
              parameters: [{ parameterName: 'Delimiter', parameterValue: String.raw`\n` }],
            },
          ],
        },
      },
    });
  }

  /** A role of one service, with one policy. */
  private role(id: string, by: ServicePrincipal, description: string, statements: PolicyStatement[]): Role {
    const policy = new ManagedPolicy(this, `${id}Policy`, { description, statements });
    return new Role(this, id, { assumedBy: by, managedPolicies: [policy] });
  }
}
