import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Match } from 'aws-cdk-lib/assertions';
import { one, resources, ROOT, templates } from './installed.ts';

const { stateful, stateless } = templates({ mailDomain: 'mail.example.org', trackingDomain: 'click.example.org' });

/** Indexes by table, as the store makes them on one machine. */
function indexesOfTheStore(): Record<string, string[][]> {
  const source = readFileSync(join(ROOT, 'shared/aws/src/dynamo/tables.rs'), 'utf8');
  const defined = new Map<string, string[]>();
  for (const [, name, index, hash, range] of source.matchAll(
    /let (\w+) = \("(\w+)", "(\w+)", (?:Some\("(\w+)"\)|None)\);/g,
  )) {
    defined.set(name ?? '', [index ?? '', hash ?? '', ...(range === undefined ? [] : [range])]);
  }
  const used = [...source.matchAll(/&store\.(\w+), &\[([\w, ]*)\]\[\.\.\]/g)].map(([, table, indexes]) => {
    const named = (indexes ?? '').split(', ').filter((it) => it !== '');
    return [table, named.map((it) => defined.get(it) ?? [])] as const;
  });
  return Object.fromEntries(used);
}

test('tables have the keys and indexes that the store makes for itself on one machine', () => {
  const store = indexesOfTheStore();
  assert.deepEqual(
    Object.keys(store)
      .filter((it) => it === 'contacts' || it === 'runs')
      .sort(),
    ['contacts', 'runs'],
  );
  for (const table of Object.values(resources(stateful, 'AWS::DynamoDB::Table'))) {
    const { TableName, KeySchema, GlobalSecondaryIndexes, AttributeDefinitions } = table.Properties;
    assert.deepEqual(KeySchema, [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ]);
    const indexes = (GlobalSecondaryIndexes ?? []) as {
      IndexName: string;
      KeySchema: { AttributeName: string }[];
      Projection: unknown;
    }[];
    const told = indexes.map((it) => [it.IndexName, ...it.KeySchema.map((key) => key.AttributeName)]);
    assert.deepEqual(told, store[String(TableName).replace('carepath-', '')] ?? [], TableName);
    assert.ok(indexes.every((it) => JSON.stringify(it.Projection) === '{"ProjectionType":"KEYS_ONLY"}'));
    assert.ok((AttributeDefinitions as { AttributeType: string }[]).every((it) => it.AttributeType === 'S'));
  }
});

test('tables outlive the stack, and whoever removes it', () => {
  const tables = Object.values(resources(stateful, 'AWS::DynamoDB::Table'));
  assert.equal(tables.length, 4);
  for (const table of tables) {
    assert.equal(table['DeletionPolicy'], 'Retain');
    assert.equal(table['UpdateReplacePolicy'], 'Retain');
    assert.equal(table.Properties['BillingMode'], 'PAY_PER_REQUEST');
  }
});

test('where capacity is held ready, each table and each index that is written has its own, and it grows by itself', () => {
  const { stateful: held } = templates({ capacity: '10-2000' });
  const ready = { ReadCapacityUnits: 10, WriteCapacityUnits: 10 };
  const scaled = new Set<string>();
  for (const target of Object.values(resources(held, 'AWS::ApplicationAutoScaling::ScalableTarget'))) {
    const { MinCapacity, MaxCapacity, ResourceId, ScalableDimension } = target.Properties;
    assert.deepEqual([MinCapacity, MaxCapacity], [10, 2000]);
    scaled.add(`${JSON.stringify(ResourceId)} ${ScalableDimension}`);
  }
  let written = 0;
  for (const [id, table] of Object.entries(resources(held, 'AWS::DynamoDB::Table'))) {
    const { TableName, BillingMode, ProvisionedThroughput, GlobalSecondaryIndexes } = table.Properties;
    if (TableName === 'carepath-config') {
      assert.equal(BillingMode, 'PAY_PER_REQUEST');
      continue;
    }
    assert.equal(BillingMode ?? 'PROVISIONED', 'PROVISIONED');
    assert.deepEqual(ProvisionedThroughput, ready);
    const indexes = (GlobalSecondaryIndexes ?? []) as { IndexName: string; ProvisionedThroughput: unknown }[];
    assert.ok(indexes.every((it) => JSON.stringify(it.ProvisionedThroughput) === JSON.stringify(ready)));
    const places = [
      ['table', ['table/', { Ref: id }]],
      ...indexes.map((it) => ['index', ['table/', { Ref: id }, `/index/${it.IndexName}`]]),
    ];
    for (const [kind, name] of places) {
      for (const what of ['ReadCapacityUnits', 'WriteCapacityUnits']) {
        const wanted = `${JSON.stringify({ 'Fn::Join': ['', name] })} dynamodb:${String(kind)}:${what}`;
        assert.ok(scaled.has(wanted), `${wanted} is not in\n${[...scaled].join('\n')}`);
        written += 1;
      }
    }
  }
  assert.deepEqual([written, scaled.size], [14, 14]);
  const policies = Object.values(resources(held, 'AWS::ApplicationAutoScaling::ScalingPolicy'));
  const targets = policies.map((it) => it.Properties['TargetTrackingScalingPolicyConfiguration']?.['TargetValue']);
  assert.deepEqual(targets, Array(14).fill(70));
});

test('what changes in contacts, runs and configuration can be followed; reports are derived', () => {
  const streams = Object.values(resources(stateful, 'AWS::DynamoDB::Table')).map((it) => [
    it.Properties['TableName'],
    it.Properties['StreamSpecification']?.['StreamViewType'],
  ]);
  assert.deepEqual(Object.fromEntries(streams), {
    'carepath-contacts': 'NEW_AND_OLD_IMAGES',
    'carepath-runs': 'NEW_AND_OLD_IMAGES',
    'carepath-config': 'NEW_AND_OLD_IMAGES',
    'carepath-reports': undefined,
  });
});

test('keys turn by themselves, and are kept', () => {
  const keys = Object.values(resources(stateful, 'AWS::KMS::Key'));
  assert.equal(keys.length, 3);
  for (const key of keys) {
    assert.equal(key.Properties['EnableKeyRotation'], true);
    assert.equal(key['DeletionPolicy'], 'Retain');
  }
});

test('only the services that write to topics and queues by themselves may use the key of messages', () => {
  const grants = (description: string) => {
    const key = one(stateful, 'AWS::KMS::Key', { Description: Match.stringLikeRegexp(description) });
    const statements = key.Properties['KeyPolicy'].Statement as {
      Sid?: string;
      Principal: { Service?: string };
      Condition?: unknown;
    }[];
    return statements
      .filter((it) => it.Principal.Service !== undefined)
      .map((it) => [it.Principal.Service, it.Condition !== undefined]);
  };
  assert.deepEqual(grants('events of the mail service'), [
    ['ses.amazonaws.com', false],
    ['sns.amazonaws.com', true],
    ['cloudwatch.amazonaws.com', true],
  ]);
  assert.deepEqual(grants('contacts, runs'), []);
  assert.deepEqual(
    grants('log groups').map(([, condition]) => condition),
    [true],
  );
});

test('each class of mail has a set that insists on TLS and tells all ten things that can happen', () => {
  const events = [
    'send',
    'reject',
    'bounce',
    'complaint',
    'delivery',
    'open',
    'click',
    'renderingFailure',
    'deliveryDelay',
    'subscription',
  ];
  for (const name of ['care', 'operational', 'marketing']) {
    const set = one(stateful, 'AWS::SES::ConfigurationSet', { Name: `carepath-${name}` });
    assert.deepEqual(set.Properties['DeliveryOptions'], { TlsPolicy: 'REQUIRE' });
    assert.deepEqual(set.Properties['TrackingOptions'], {
      CustomRedirectDomain: 'click.example.org',
      HttpsPolicy: 'REQUIRE',
    });
  }
  const destinations = Object.values(resources(stateful, 'AWS::SES::ConfigurationSetEventDestination'));
  assert.equal(destinations.length, 6);
  for (const way of ['SnsDestination', 'KinesisFirehoseDestination']) {
    const sets = destinations.filter((it) => it.Properties['EventDestination'][way] !== undefined);
    assert.equal(new Set(sets.map((it) => JSON.stringify(it.Properties['ConfigurationSetName']))).size, 3, way);
  }
  for (const it of destinations) assert.deepEqual(it.Properties['EventDestination'].MatchingEventTypes, events);
});

test('SES may write to the topic for these sets of this account, and nobody else may', () => {
  const policies = Object.values(resources(stateful, 'AWS::SNS::TopicPolicy'));
  const allowed = policies
    .flatMap((it) => it.Properties['PolicyDocument'].Statement as Record<string, any>[])
    .filter((it) => it['Effect'] === 'Allow');
  assert.equal(allowed.length, 3);
  for (const it of allowed) {
    assert.deepEqual(it['Principal'], { Service: 'ses.amazonaws.com' });
    assert.deepEqual(it['Condition'].StringEquals['AWS:SourceAccount'], { Ref: 'AWS::AccountId' });
    assert.match(JSON.stringify(it['Condition'].StringEquals['AWS:SourceArn']), /configuration-set/);
  }
});

test('what SES tells lies in a bucket of its own as whoever reads it looks for it', () => {
  const stream = one(stateful, 'AWS::KinesisFirehose::DeliveryStream', { DeliveryStreamName: 'carepath-mail-events' });
  const { ExtendedS3DestinationConfiguration: to, DeliveryStreamEncryptionConfigurationInput: key } = stream.Properties;
  const reader = readFileSync(join(ROOT, 'shared/aws/src/ses/archive.rs'), 'utf8');
  const [, prefix] = /const PREFIX: &str = "(.*)";/.exec(reader) ?? [];
  assert.equal(to.Prefix, `${prefix}!{timestamp:yyyy/MM/dd/HH}/`);
  assert.match(reader, /strftime\("%Y\/%m\/%d\/%H"\)/);
  assert.equal(to.CustomTimeZone, undefined, 'the hours are those of UTC');
  assert.deepEqual([to.CompressionFormat, to.BufferingHints.IntervalInSeconds], ['UNCOMPRESSED', 300]);
  assert.deepEqual(
    to.ProcessingConfiguration.Processors.map((it: { Type: string }) => it.Type),
    ['AppendDelimiterToRecord'],
  );
  assert.equal(key.KeyType, 'CUSTOMER_MANAGED_CMK');
  assert.match(JSON.stringify(key.KeyARN), /KeysMessages/);
});

test('the bucket of what SES tells is closed, encrypted under the key of data, watched, and forgets after two weeks', () => {
  const found = Object.entries(resources(stateful, 'AWS::S3::Bucket')).find(([id]) => id.startsWith('ArchiveBucket'));
  const bucket = found?.[1];
  assert.ok(found !== undefined && bucket !== undefined);
  const { BucketEncryption, LifecycleConfiguration, LoggingConfiguration, PublicAccessBlockConfiguration } =
    bucket.Properties;
  const [rule] = BucketEncryption.ServerSideEncryptionConfiguration;
  assert.match(JSON.stringify(rule.ServerSideEncryptionByDefault), /aws:kms.*KeysData|KeysData.*aws:kms/);
  assert.equal(rule.BucketKeyEnabled, true);
  assert.equal(LifecycleConfiguration.Rules[0].ExpirationInDays, 14);
  assert.equal(LoggingConfiguration.LogFilePrefix, 'mail-events/');
  assert.deepEqual(new Set(Object.values(PublicAccessBlockConfiguration)), new Set([true]));
  assert.equal(bucket['DeletionPolicy'], 'Retain');
  const policy = one(stateful, 'AWS::S3::BucketPolicy', { Bucket: { Ref: found[0] } });
  const statements = policy.Properties['PolicyDocument'].Statement as Record<string, any>[];
  assert.deepEqual(
    statements.map((it) => it['Effect']),
    ['Deny', 'Deny'],
    'nobody is let in but by a policy of their own',
  );
});

test('SES may only hand over, Firehose may only write, and neither may read', () => {
  const may = (id: string) => {
    const found = Object.entries(resources(stateful, 'AWS::IAM::ManagedPolicy')).filter(([name]) =>
      name.startsWith(id),
    );
    assert.equal(found.length, 1);
    const statements = found[0]?.[1].Properties['PolicyDocument'].Statement as { Action: string | string[] }[];
    return statements.flatMap((it) => it.Action);
  };
  assert.deepEqual(may('ArchiveWriter'), ['firehose:PutRecordBatch']);
  const delivery = may('ArchiveDeliverer');
  assert.ok(delivery.includes('s3:PutObject') && !delivery.includes('s3:GetObject'), String(delivery));
});

test('a domain that mails are from signs them, and says what has to be in its zone', () => {
  stateful.hasResourceProperties('AWS::SES::EmailIdentity', {
    EmailIdentity: 'mail.example.org',
    MailFromAttributes: { MailFromDomain: 'bounce.mail.example.org' },
  });
  assert.deepEqual(Object.keys(stateful.findOutputs('*')).filter((it) => /Dkim|MailFrom/.test(it)).length, 4);
  for (const it of Object.values(resources(stateless, 'AWS::IAM::ManagedPolicy'))) {
    assert.doesNotMatch(JSON.stringify(it.Properties['PolicyDocument']), /identity\/\*/);
  }
});

test('the stack with the tables knows nothing of what runs on it', () => {
  assert.doesNotMatch(JSON.stringify(stateful.toJSON()), /stateless/);
});

test('after a restore the functions work with the tables that came of it, and both are backed up', () => {
  const runsStreamArn =
    'arn:aws:dynamodb:eu-central-1:111122223333:table/carepath-r1-runs/stream/2026-11-24T10:00:00.000';
  const restored = { restoredTablePrefix: 'carepath-r1-', restoredRunsStreamArn: runsStreamArn };
  const after = templates(restored);
  assert.deepEqual(
    resources(after.stateful, 'AWS::DynamoDB::Table'),
    resources(templates().stateful, 'AWS::DynamoDB::Table'),
  );
  const told = (it: typeof after) =>
    Object.keys(it.stateful.findOutputs('*')).filter((name) => name.startsWith('Exports'));
  const taken = told(templates()).filter((name) => !told(after).includes(name));
  assert.deepEqual(taken, [], 'what the upper stack still asks for cannot be taken away');
  const selection = JSON.stringify(resources(after.stateful, 'AWS::Backup::BackupSelection'));
  for (const name of ['contacts', 'runs', 'config', 'reports'])
    assert.match(selection, new RegExp(`carepath-r1-${name}`));
  for (const it of Object.values(resources(after.stateless, 'AWS::Lambda::Function'))) {
    assert.equal(it.Properties['Environment'].Variables.CAREPATH_TABLE_PREFIX, 'carepath-r1-');
  }
  const policies = JSON.stringify(resources(after.stateless, 'AWS::IAM::ManagedPolicy'));
  assert.match(policies, /carepath-r1-runs\/index\/due/);
  assert.doesNotMatch(policies, /ExportsOutput[^"]*Tables/);
  one(after.stateless, 'AWS::Lambda::EventSourceMapping', { EventSourceArn: runsStreamArn });
});
