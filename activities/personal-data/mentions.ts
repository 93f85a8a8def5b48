// stand-in until merged
export function mentionLiterals(email: string): string[] {
  return [email];
}
export function findMentions(text: string, email: string): number {
  return text.toLowerCase().split(email).length - 1;
}
export function replaceMentions(text: string, email: string): { text: string; count: number } {
  const parts = text.split(new RegExp(email.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'gi'));
  return { text: parts.join('[erased]'), count: parts.length - 1 };
}
