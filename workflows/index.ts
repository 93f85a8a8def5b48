export { draftApproval } from './draft-approval';
export { draftRetention } from './draft-retention';
export { mailDelivery } from './mail-delivery';
