// What Countersign is for: drafts, decisions, mails, and what it promises about persons and the audit trail.
import { createDashboard } from './panels';

const events = (matcher: string) =>
  `sum by (event) (rate(countersign_draft_events_total{${matcher}}[$__rate_interval])) * 60`;

export const business = createDashboard({
  uid: 'countersign-business',
  title: 'Business',
  description: 'Drafts and decisions, mails and the services that carry them, erasures and the audit trail.',
  rows: [
    {
      title: 'Now',
      stats: [
        {
          title: 'Waiting for a decision',
          about: 'Drafts that people are to decide on.',
          unit: 'short',
          query: 'max(countersign_drafts{status="pending_review"})',
        },
        {
          title: 'Longest wait',
          about: 'Time since the submission of the oldest of them.',
          unit: 's',
          limit: 86_400,
          query: 'max(countersign_approval_oldest_seconds)',
        },
        {
          title: 'Approved by policy',
          about: 'The share of the last hour.',
          unit: 'percentunit',
          limit: { min: 0.7 },
          query: 'countersign:drafts_auto_approved:ratio_rate1h',
        },
        {
          title: 'Mails sent',
          about: 'Of those that came to an end in the last half hour.',
          unit: 'percentunit',
          limit: { min: 0.98 },
          query: 'countersign:mails_sent:ratio_rate30m',
        },
        {
          title: 'Parked',
          about: 'Mails of which nobody knows whether they were sent. A person must say.',
          unit: 'short',
          limit: 1,
          query: 'max(countersign_drafts{status="parked"})',
        },
        {
          title: 'Mail held',
          about: '1: nothing is sent, since the database may have gone back in time.',
          unit: 'short',
          limit: 1,
          query: 'max(countersign_mail_held)',
        },
      ],
    },
    {
      title: 'Drafts',
      graphs: [
        {
          title: 'Open drafts by status',
          about: 'Those that have not come to an end, and those that are parked.',
          unit: 'short',
          queries: { '{{status}}': 'max by (status) (countersign_drafts)' },
        },
        {
          title: 'Waiting for a decision, by age',
          about: 'By the time since their submission.',
          unit: 'short',
          queries: { '{{age}}': 'max by (age) (countersign_approvals_waiting)' },
        },
        {
          title: 'Submitted and decided',
          about: 'A minute. auto_: by policy.',
          unit: 'short',
          queries: {
            '{{event}}': events('event=~"submitted|approved|auto_approved|rejected|auto_rejected|changes_requested"'),
          },
        },
        {
          title: 'Ended without a mail',
          about: 'A minute.',
          unit: 'short',
          queries: { '{{event}}': events('event=~"rejected|auto_rejected|expired|withdrawn|blocked"') },
        },
        {
          title: 'Approved by policy',
          about: 'The share of submitted drafts, over an hour. The goal is 70 %.',
          unit: 'percentunit',
          limit: { min: 0.7 },
          queries: { 'by policy': 'countersign:drafts_auto_approved:ratio_rate1h' },
        },
        {
          title: 'Longest wait for a decision',
          about: 'Time since the submission of the oldest draft that waits.',
          unit: 's',
          limit: 86_400,
          queries: { oldest: 'max(countersign_approval_oldest_seconds)' },
        },
      ],
    },
    {
      title: 'Mails',
      graphs: [
        {
          title: 'Mails',
          about: 'A minute. postponed: the server asked to try later. refused: for good. parked: its answer was lost.',
          unit: 'short',
          queries: { '{{event}}': events('event=~"released|sent|postponed|refused|parked"') },
        },
        {
          title: 'Sent, of those that came to an end',
          about: 'Over half an hour. The goal is 98 %.',
          unit: 'percentunit',
          limit: { min: 0.98 },
          queries: { sent: 'countersign:mails_sent:ratio_rate30m' },
        },
        {
          title: 'Breakers',
          about: '1: the last attempt at the service failed, and all that waits for it waits.',
          unit: 'short',
          limit: 1,
          queries: { '{{service}}': 'max by (service) (countersign_breaker_state{state="open"})' },
        },
        {
          title: 'Due and not taken',
          about: 'Items that no lane has taken. 10,000 stands for that many or more.',
          unit: 'short',
          queries: { '{{service}}': 'max by (service) (countersign_lane_due_items)' },
        },
        {
          title: 'Longest due',
          about: 'For how long the item has been due that waits longest.',
          unit: 's',
          limit: 600,
          queries: { '{{service}}': 'max by (service) (countersign_lane_oldest_due_seconds)' },
        },
        {
          title: 'Mail held',
          about: '1: nothing is sent, by reason.',
          unit: 'short',
          limit: 1,
          queries: { '{{reason}}': 'max by (reason) (countersign_mail_held)' },
        },
      ],
    },
    {
      title: 'Persons and proof',
      graphs: [
        {
          title: 'Erasures',
          about: 'open: under way. overdue: past the deadline of the law. failed: ever.',
          unit: 'short',
          queries: { '{{state}}': 'max by (state) (countersign_erasures)' },
        },
        {
          title: 'Next deadline of an erasure',
          about: 'Time until then; without a line none is open. The limit is a week.',
          unit: 's',
          limit: { min: 7 * 86_400 },
          queries: { 'next deadline': 'min(countersign_erasure_deadline_seconds)' },
        },
        {
          title: 'Audit trail: not sealed, not anchored',
          about: 'Events that no seal holds yet, and the time for which the head has waited for its anchor.',
          unit: 'short',
          queries: {
            'unsealed events': 'min(countersign_audit_unsealed_events)',
            'anchor lag (s)': 'min(countersign_audit_anchor_lag_seconds)',
          },
        },
        {
          title: 'Audit trail: last verification',
          about:
            '1 for what was found. Only whole is good; without a line no worker has verified since it was started.',
          unit: 'short',
          queries: { '{{state}}': 'max by (state) (countersign_audit_trail)' },
        },
      ],
    },
  ],
});
