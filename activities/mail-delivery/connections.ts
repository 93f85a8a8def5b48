// The conversations that are open and free, kept for the next mail.
import { Conversation } from './conversation';

const KEPT_IDLE_MS = 10_000;

export function createConnections(url: string) {
  const free: { conversation: Conversation; closer: NodeJS.Timeout }[] = [];
  return {
    /** Throws ServiceTrouble, or the reason of the end. @param ending aborted when nobody waits for it any more */
    async take(ending?: AbortSignal): Promise<Conversation> {
      for (let kept = free.pop(); kept; kept = free.pop()) {
        clearTimeout(kept.closer);
        if (kept.conversation.usable) return kept.conversation;
      }
      return Conversation.open(url, { ending });
    },

    give(conversation: Conversation): void {
      if (!conversation.usable) return;
      const closer = setTimeout(() => {
        const at = free.findIndex((kept) => kept.conversation === conversation);
        if (at >= 0) free.splice(at, 1);
        conversation.close();
      }, KEPT_IDLE_MS).unref();
      free.push({ conversation, closer });
    },

    closeFree(): void {
      for (const { conversation, closer } of free.splice(0)) {
        clearTimeout(closer);
        conversation.close();
      }
    },
  };
}

export type Connections = ReturnType<typeof createConnections>;
