export { auditRetention } from './audit-retention';
export { backup } from './backup';
export { draftApproval } from './draft-approval';
export { draftRetention } from './draft-retention';
export { mailDelivery } from './mail-delivery';
export { operations } from './operations';
export { userErasure } from './user-erasure';
