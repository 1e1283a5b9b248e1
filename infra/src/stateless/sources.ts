import { Duration } from 'aws-cdk-lib';
import { EventSourceMapping, type Function, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Tables } from '../stateful/tables.ts';
import type { Functions } from './functions.ts';
import type { Queues } from './queues.ts';
import { SHAPES } from './shapes.ts';

/** What calls the functions, beside the HTTP API. */
export class Sources extends Construct {
  constructor(scope: Construct, functions: Functions, queues: Queues, tables: Tables) {
    super(scope, 'Sources');
    // Fewer at a time than there may be of the function: a message that finds none counts as tried.
    this.messages('Work', functions.executor, queues.work.queue, SHAPES.executor.concurrency - 5);
    this.messages('Timers', functions.timer, queues.timers.queue, SHAPES.timer.concurrency - 2);
    this.messages('Engagement', functions.engagement, queues.engagement.queue, SHAPES.engagement.concurrency - 2);
    new EventSourceMapping(this, 'Runs', {
      target: functions.projector,
      eventSourceArn: tables.inUse.runs.tableStreamArn ?? '',
      startingPosition: StartingPosition.TRIM_HORIZON,
      batchSize: 100,
      maxBatchingWindow: Duration.seconds(5),
      // The window is what makes Lambda say the shard of a batch, by which records are counted once.
      tumblingWindow: Duration.seconds(60),
      parallelizationFactor: 1,
      reportBatchItemFailures: true,
      bisectBatchOnError: true,
      // A record that cannot be counted holds up its shard, and a shard keeps a day: after six hours it is laid down,
      // so that those behind it are not lost too, and the nightly count sets the report right.
      retryAttempts: -1,
      maxRecordAge: Duration.hours(6),
      onFailure: new SqsDlq(queues.projectorDead),
    });
  }

  private messages(id: string, target: Function, queue: Queue, maxConcurrency: number): void {
    new EventSourceMapping(this, id, {
      target,
      eventSourceArn: queue.queueArn,
      batchSize: 10,
      maxConcurrency,
      reportBatchItemFailures: true,
    });
  }
}
