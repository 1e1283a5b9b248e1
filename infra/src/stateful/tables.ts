import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  AttributeType,
  type ITable,
  BillingMode,
  ProjectionType,
  StreamViewType,
  Table,
  TableEncryption,
} from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { Names } from '../names.ts';
import type { Settings } from '../settings.ts';

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

/** Of what is held ready so much is used before there is more of it: what AWS proposes. */
const USED_PERCENT = 70;

/** The four tables, under a key of the installation, with 35 days of any point in time to go back to. */
export class Tables extends Construct {
  /** Those that are worked with: the stack's own, or after a restore those that came of it. */
  readonly inUse: Record<TableName, ITable>;
  /** All that are to be backed up. */
  readonly all: ITable[];

  constructor(scope: Construct, names: Names, key: IKey, removal: RemovalPolicy, settings: Settings) {
    super(scope, 'Tables');
    const { restored } = settings;
    const each = <T extends ITable>(make: (name: TableName) => T) =>
      Object.fromEntries(TABLES.map((name) => [name, make(name)])) as Record<TableName, T>;
    const own = each((name) => this.made(name, names, key, removal, settings.capacity));
    this.inUse = restored === undefined ? own : each((name) => this.found(name, key, restored));
    if (restored !== undefined) this.keepTold(own);
    this.all = [...new Set([...Object.values<ITable>(own), ...Object.values<ITable>(this.inUse)])];
  }

  /**
   * Goes on telling of the tables what the upper stack knew before the restore: it is deployed after this one, and what it
   * still asks for cannot be taken away.
   */
  private keepTold(own: Record<TableName, Table>): void {
    const stack = Stack.of(this);
    for (const table of Object.values(own)) {
      stack.exportValue(table.tableArn);
      stack.exportValue(table.tableName);
    }
    if (own.runs.tableStreamArn !== undefined) stack.exportValue(own.runs.tableStreamArn);
  }

  private made(
    name: TableName,
    names: Names,
    key: IKey,
    removal: RemovalPolicy,
    capacity: Settings['capacity'],
  ): Table {
    // What was published is read once a second by each function that has something to do, and hardly ever written.
    const ready = name === 'config' ? undefined : capacity;
    const least = ready === undefined ? {} : { readCapacity: ready.from, writeCapacity: ready.from };
    const table = new Table(this, name[0]?.toUpperCase() + name.slice(1), {
      tableName: names.of(name),
      partitionKey: text('pk'),
      sortKey: text('sk'),
      billingMode: ready === undefined ? BillingMode.PAY_PER_REQUEST : BillingMode.PROVISIONED,
      ...least,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: key,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: removal === RemovalPolicy.RETAIN,
      removalPolicy: removal,
      ...(SHAPES[name].stream ? { stream: StreamViewType.NEW_AND_OLD_IMAGES } : {}),
    });
    for (const index of SHAPES[name].indexes) {
      table.addGlobalSecondaryIndex({
        indexName: index.name,
        partitionKey: text(index.partition),
        projectionType: ProjectionType.KEYS_ONLY,
        ...(index.sort === undefined ? {} : { sortKey: text(index.sort) }),
        ...least,
      });
    }
    if (ready !== undefined) grows(table, SHAPES[name].indexes, ready);
    return table;
  }

  private found(name: TableName, encryptionKey: IKey, restored: NonNullable<Settings['restored']>): ITable {
    const tableArn = Stack.of(this).formatArn({
      service: 'dynamodb',
      resource: 'table',
      resourceName: restored.prefix + name,
    });
    const stream = name === 'runs' ? { tableStreamArn: restored.runsStreamArn } : {};
    return Table.fromTableAttributes(this, `Restored-${name}`, { tableArn, encryptionKey, ...stream });
  }
}

/**
 * What is held ready follows what is used, of the table and of each index by itself: an index that has not enough holds up
 * the writes of its table.
 */
function grows(table: Table, indexes: readonly Index[], { from, to }: NonNullable<Settings['capacity']>): void {
  const within = { minCapacity: from, maxCapacity: to };
  const scaled = [
    table.autoScaleReadCapacity(within),
    table.autoScaleWriteCapacity(within),
    ...indexes.flatMap(({ name }) => [
      table.autoScaleGlobalSecondaryIndexReadCapacity(name, within),
      table.autoScaleGlobalSecondaryIndexWriteCapacity(name, within),
    ]),
  ];
  for (const each of scaled) each.scaleOnUtilization({ targetUtilizationPercent: USED_PERCENT });
}

function text(name: string) {
  return { name, type: AttributeType.STRING };
}
