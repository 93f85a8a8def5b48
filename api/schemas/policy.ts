// The policy document: exactly what this version can decide by.
import { z } from 'zod';
import { POLICY_FIELDS, type PolicyDocument } from '../../activities/commands/policy';
import { line } from './text';

const REMEDY = `is no field that a rule can test; take ${POLICY_FIELDS.map((field) => `\`${field}\``).join(' or ')}`;
const saysSomething = { error: 'must hold a test' };
const isNotEmpty = (test: object) => Object.keys(test).length > 0;

const number = z.number();
const NumberTest = z
  .strictObject({
    eq: number.optional(),
    gt: number.optional(),
    gte: number.optional(),
    lt: number.optional(),
    lte: number.optional(),
    in: z.array(number).max(1000).optional(),
    notIn: z.array(number).max(1000).optional(),
  })
  .refine(isNotEmpty, saysSomething);
const name = line(200);
const TextTest = z
  .strictObject({
    eq: name.optional(),
    in: z.array(name).max(1000).optional(),
    notIn: z.array(name).max(1000).optional(),
  })
  .refine(isNotEmpty, saysSomething);

const When = z.strictObject(
  { confidence: z.union([number, NumberTest]).optional(), author: z.union([name, TextTest]).optional() },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? REMEDY : undefined) },
);

const Then = z.strictObject(
  {
    outcome: z.enum(['auto_approve', 'require', 'reject']),
    approvals: z.literal(1, { error: 'can only be 1: one approval suffices' }).optional(),
    deadlineHours: z.number().positive().max(8760).optional(),
    hard: z.boolean().optional(),
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys' && issue.keys.includes('groups') ? 'is not accepted yet' : undefined,
  },
);

export const Policy = z
  .strictObject({
    mode: z.union([z.enum(['active', 'shadow']), z.strictObject({ sampled: z.number().min(0).max(1) })], {
      error: 'must be "active", "shadow" or {"sampled": <share from 0 to 1>}',
    }),
    rules: z
      .array(z.strictObject({ name: line(100), when: When, then: Then }))
      .max(200)
      .refine((rules) => new Set(rules.map((rule) => rule.name)).size === rules.length, {
        error: 'must have names that differ',
      }),
    otherwise: Then,
  })
  .meta({ id: 'Policy' });

export const asDocument = (policy: z.output<typeof Policy>): PolicyDocument => policy as PolicyDocument;
