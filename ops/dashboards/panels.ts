// What all dashboards are made of: their frame, and the two kinds of panels, with the data source as a variable.
import * as common from '@grafana/grafana-foundation-sdk/common';
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  RowBuilder,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

const DATASOURCE = { type: 'prometheus', uid: '$datasource' };
const WIDTH = 24;
const HEIGHT = 8;
const STAT_HEIGHT = 4;

/** Grafana's names of units. `short` is a number as it is. */
type Unit = 's' | 'ms' | 'reqps' | 'ops' | 'percentunit' | 'bytes' | 'short';

interface PanelOptions {
  title: string;
  /** For who hovers over the title: what it shows, and what is wrong with it if that is not plain. */
  about: string;
  unit: Unit;
  /** From here on it is red; `min`: below it. An alert has the same limit. */
  limit?: number | { min: number };
}
export interface Graph extends PanelOptions {
  /** A query and the legend of its series. */
  queries: Record<string, string>;
}
export interface Stat extends PanelOptions {
  query: string;
}
export interface Row {
  title: string;
  stats?: Stat[];
  graphs?: Graph[];
}

export interface DashboardOptions {
  /** Part of its address, so it never changes. */
  uid: string;
  title: string;
  description: string;
  rows: Row[];
  addVariables?: (dashboard: DashboardBuilder) => void;
}

export function createDashboard({ uid, title, description, rows, addVariables }: DashboardOptions): Dashboard {
  const dashboard = new DashboardBuilder(`Countersign / ${title}`)
    .uid(uid)
    .description(description)
    .tags(['countersign'])
    .time({ from: 'now-3h', to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'));
  addVariables?.(dashboard);
  for (const { title: heading, stats = [], graphs = [] } of rows) {
    dashboard.withRow(new RowBuilder(heading));
    for (const stat of stats) dashboard.withPanel(toStat(stat, WIDTH / stats.length));
    for (const graph of graphs) dashboard.withPanel(toGraph(graph));
  }
  return dashboard.build();
}

function toGraph({ title, about, unit, limit, queries }: Graph) {
  const panel = new TimeseriesBuilder()
    .title(title)
    .description(about)
    .datasource(DATASOURCE)
    .unit(unit)
    .min(0)
    .span(WIDTH / 2)
    .height(HEIGHT)
    .lineWidth(1)
    .fillOpacity(10)
    .showPoints(common.VisibilityMode.Never)
    .tooltip(
      new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
    )
    .legend(
      new common.VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom),
    );
  if (unit === 'percentunit') panel.axisSoftMax(1);
  if (limit !== undefined) {
    const style = new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed);
    panel.thresholds(toThresholds(limit)).thresholdsStyle(style);
  }
  for (const [i, [legend, expr]] of Object.entries(queries).entries()) {
    const refId = String.fromCharCode('A'.charCodeAt(0) + i);
    panel.withTarget(new DataqueryBuilder().refId(refId).expr(expr).legendFormat(legend).range());
  }
  return panel;
}

function toStat({ title, about, unit, limit, query }: Stat, width: number) {
  const panel = new StatBuilder()
    .title(title)
    .description(about)
    .datasource(DATASOURCE)
    .unit(unit)
    .span(width)
    .height(STAT_HEIGHT)
    // Grey and in words: what is absent must not look well.
    .noValue('no data')
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .graphMode(common.BigValueGraphMode.Area)
    .colorMode(common.BigValueColorMode.Value)
    .thresholds(toThresholds(limit))
    .withTarget(new DataqueryBuilder().refId('A').expr(query).range());
  return panel;
}

function toThresholds(limit: PanelOptions['limit']) {
  const from = (value: number | null, color: string): Threshold => ({ value, color });
  const steps =
    limit === undefined
      ? [from(null, 'text')]
      : typeof limit === 'number'
        ? [from(null, 'green'), from(limit, 'red')]
        : [from(null, 'red'), from(limit.min, 'green')];
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}
