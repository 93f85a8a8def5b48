// Every panel of every dashboard, as Grafana reads them.
import { DASHBOARDS } from '../../ops/dashboards';

interface Panel {
  type: string;
  title: string;
  description?: string;
  targets: { expr: string; legendFormat?: string }[];
}

export const PANELS = Object.entries(DASHBOARDS).flatMap(([name, { panels = [] }]) =>
  (panels as unknown as Panel[])
    .filter(({ type }) => type !== 'row')
    .map((panel) => ({ ...panel, place: `${name}: ${panel.title}` })),
);
