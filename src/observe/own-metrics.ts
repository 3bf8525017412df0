import type { Metric, MetricObjectWithValues, MetricValue, Registry } from 'prom-client';

/**
 * The series that are not Envoy's: `istio_` and `halfopen_`. Whoever counts keeps plain numbers and hands over a metric
 * that reads them when scraped; prom-client's registry writes the text. It is loaded at the first scrape.
 */
export interface Sample {
  /** Appended to the name: `_bucket`, `_sum`, `_count` of histograms, else ''. */
  suffix: string;
  labels: Record<string, string>;
  value: number;
  /** Labels of this line alone (`le`), for those who build samples from shared labels. */
  extra?: Record<string, string>;
}

export interface OwnMetric {
  name: string;
  help: string;
  type: 'counter' | 'gauge' | 'histogram';
  collect(): Iterable<Sample>;
}

export class OwnMetrics {
  private readonly metrics = new Map<string, OwnMetric>();
  private registry: Registry | null = null;

  /** @throws Error when the name is taken */
  register(metric: OwnMetric): void {
    if (this.metrics.has(metric.name)) throw new Error(`metric ${metric.name} is registered twice`);
    this.metrics.set(metric.name, metric);
    this.registry?.registerMetric(adapt(metric));
  }

  /** Prometheus text; metrics without a sample are left out. */
  async text(): Promise<string> {
    if (this.registry === null) {
      const { Registry } = await import('prom-client');
      this.registry = new Registry();
      for (const metric of this.metrics.values()) this.registry.registerMetric(adapt(metric));
    }
    const text = await this.registry.metrics();
    return text
      .split('\n\n')
      .filter((block) => block.split('\n').some((line) => line !== '' && !line.startsWith('#')))
      .map((block) => `${block.trimEnd()}\n`)
      .join('');
  }
}

/** What the registry asks of a metric is `get`; prom-client's own classes count by themselves and are too slow per request. */
function adapt(metric: OwnMetric): Metric {
  const { name, help, type } = metric;
  const get = (): Promise<MetricObjectWithValues<MetricValue<string>>> => {
    const values: MetricValue<string>[] = [];
    for (const { suffix, labels, value } of metric.collect()) {
      values.push(
        suffix === '' ? { labels, value } : ({ metricName: name + suffix, labels, value } as MetricValue<string>),
      );
    }
    return Promise.resolve({ name, help, type, values, aggregator: 'sum' } as unknown as MetricObjectWithValues<
      MetricValue<string>
    >);
  };
  return { name, get } as unknown as Metric;
}
