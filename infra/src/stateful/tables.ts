import { RemovalPolicy } from 'aws-cdk-lib';
import {
  AttributeType,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { Names } from '../names.ts';

interface Index {
  readonly name: string;
  readonly partition: string;
  readonly sort?: string;
}

interface Shape {
  readonly indexes: readonly Index[];
  readonly stream: boolean;
}

export const TABLES = ['contacts', 'runs', 'config', 'reports'] as const;
export type TableName = (typeof TABLES)[number];

const DUE: Index = { name: 'due', partition: 'dpk', sort: 'dsk' };

/**
 * What shared/aws/src/dynamo/tables.rs makes on one machine; a test compares the two. Reports are derived, and nobody
 * follows them.
 */
export const SHAPES: Record<TableName, Shape> = {
  contacts: { indexes: [DUE, { name: 'email', partition: 'epk' }], stream: true },
  runs: { indexes: [DUE, { name: 'unknown', partition: 'upk', sort: 'usk' }], stream: true },
  config: { indexes: [], stream: true },
  reports: { indexes: [], stream: false },
};

/** The four tables: on demand, under a key of the installation, with 35 days of any point in time to go back to. */
export class Tables extends Construct {
  readonly contacts: Table;
  readonly runs: Table;
  readonly config: Table;
  readonly reports: Table;

  constructor(scope: Construct, names: Names, key: IKey, removal: RemovalPolicy) {
    super(scope, 'Tables');
    const table = (id: string, name: TableName) => {
      const made = new Table(this, id, {
        tableName: names.of(name),
        partitionKey: text('pk'),
        sortKey: text('sk'),
        billingMode: BillingMode.PAY_PER_REQUEST,
        encryption: TableEncryption.CUSTOMER_MANAGED,
        encryptionKey: key,
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
        deletionProtection: removal === RemovalPolicy.RETAIN,
        removalPolicy: removal,
        ...(SHAPES[name].stream ? { stream: StreamViewType.NEW_AND_OLD_IMAGES } : {}),
      });
      for (const index of SHAPES[name].indexes) {
        made.addGlobalSecondaryIndex({
          indexName: index.name,
          partitionKey: text(index.partition),
          projectionType: ProjectionType.KEYS_ONLY,
          ...(index.sort === undefined ? {} : { sortKey: text(index.sort) }),
        });
      }
      return made;
    };
    this.contacts = table('Contacts', 'contacts');
    this.runs = table('Runs', 'runs');
    this.config = table('Config', 'config');
    this.reports = table('Reports', 'reports');
  }

  get all(): Table[] {
    return [this.contacts, this.runs, this.config, this.reports];
  }
}

function text(name: string) {
  return { name, type: AttributeType.STRING };
}
