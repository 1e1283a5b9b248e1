import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';

/** The console's files, and who asked for objects of which bucket. Neither has contact data. */
export class Buckets extends Construct {
  readonly console: Bucket;
  readonly accessLogs: Bucket;

  constructor(scope: Construct, removal: RemovalPolicy) {
    super(scope, 'Buckets');
    const closed = {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      // The files are those of a public web page, and S3 delivers access logs under no other encryption.
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: removal,
      versioned: true,
    };
    this.accessLogs = new Bucket(this, 'AccessLogs', {
      ...closed,
      lifecycleRules: [
        { expiration: Duration.days(400), noncurrentVersionExpiration: Duration.days(30) },
        { abortIncompleteMultipartUploadAfter: Duration.days(7) },
      ],
    });
    this.console = new Bucket(this, 'Console', {
      ...closed,
      lifecycleRules: [
        { noncurrentVersionExpiration: Duration.days(90), abortIncompleteMultipartUploadAfter: Duration.days(7) },
      ],
      serverAccessLogsBucket: this.accessLogs,
      serverAccessLogsPrefix: 'console/',
    });
    // Which distribution it will be is not known here: the stack that has it is built upon this one.
    this.console.addToResourcePolicy(
      new PolicyStatement({
        sid: 'DistributionsOfThisAccountRead',
        principals: [new ServicePrincipal('cloudfront.amazonaws.com')],
        actions: ['s3:GetObject'],
        resources: [this.console.arnForObjects('*')],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
  }
}
