// Renders docs/alerts.md from the alert rules, so that a page never describes another rule than the one that fires.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

export const RULES_FOLDER = join(__dirname, 'rules');

export interface Rule {
  alert?: string;
  record?: string;
  expr: string;
  for?: string;
  labels?: { severity: string };
  annotations?: Record<'summary' | 'meaning' | 'steps', string>;
}
export type Alert = Required<Omit<Rule, 'record' | 'for'>> & Pick<Rule, 'for'>;

export interface RuleFile {
  file: string;
  /** The comment that the file begins with. */
  about: string;
  rules: Rule[];
}

export function readRuleFiles(folder = RULES_FOLDER): RuleFile[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.yml'));
  return names.map((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const { groups } = parse(text) as { groups: { rules: Rule[] }[] };
    return { file, about: text.split('\n')[0]?.slice(2) ?? '', rules: groups.flatMap(({ rules }) => rules) };
  });
}

export const alertsOf = ({ rules }: RuleFile) => rules.filter((rule): rule is Alert => rule.alert !== undefined);

const SEVERITIES: Record<string, string> = {
  page: 'somebody is woken',
  critical: 'Slack, at once',
  warning: 'Slack, in working hours',
};
/** In the order in which somebody looks at them. */
const ORDER = ['service.yml', 'database.yml', 'temporal.yml', 'business.yml', 'recovery.yml', 'archiving.yml'];

export function renderAlertsPage(files: readonly RuleFile[]): string {
  const sections = ORDER.map((name) => files.find(({ file }) => file === name) as RuleFile);
  return `# Alerts

For the person on call. Each alert says what it means and what to do, in order. \`npm run alerts\` writes this page from
\`ops/prometheus/rules/\`: change it there.

${Object.entries(SEVERITIES)
  .map(([severity, means]) => `- \`${severity}\`: ${means}.`)
  .join('\n')}

Requests to \`/api\` need the key of an admin or an operator. [metrics.md](metrics.md) explains each metric.

| Alert | Severity | When |
|---|---|---|
${sections.flatMap(alertsOf).map(toRow).join('\n')}

${sections.map((section) => `## ${section.about}\n\n${alertsOf(section).map(toSection).join('\n\n')}`).join('\n\n')}
`;
}

const anchorOf = (alert: string) => `#${alert.toLowerCase()}`;
const toRow = ({ alert, labels, annotations }: Alert) =>
  `| [${alert}](${anchorOf(alert)}) | ${labels.severity} | ${plain(annotations.summary)} |`;

const toSection = ({ alert, expr, for: lasting, labels, annotations }: Alert) => `### ${alert}

**${labels.severity}**${lasting ? `, after ${lasting}` : ''}. ${plain(annotations.summary)}

${annotations.meaning.trim()}

${annotations.steps.trim()}

\`\`\`
${expr.trim()}
\`\`\``;

/** Prometheus fills the braces in; a reader sees what stands there. */
const plain = (summary: string) =>
  summary
    .replace(/\{\{ \$value[^}]*\}\}/g, '*N*')
    .replace(/\{\{ \$labels\.(\w+) \}\}/g, '*$1*')
    .trim();
