/** Graph's own tokens are a sentence of about a hundred characters. */
const MAX_TOKEN_BYTES = 2048;

/**
 * Graph makes sure of a notification URL before it creates, renews or reauthorises a subscription: it posts a
 * token there, once for each of the two URLs, and wants it back while our own call is still waiting for its
 * answer. So a token is given back only while such a call of ours is under way, and to nobody else ever.
 * Microsoft: "Receive change notifications through webhooks", notificationUrl validation.
 */
export class Handshake {
  #outstanding = 0;

  /** Lets Graph make sure of us for as long as `call` takes. */
  async during<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    this.#outstanding += 1;
    try {
      return await call();
    } finally {
      this.#outstanding -= 1;
    }
  }

  /**
   * The text to answer a decoded token with, as text/plain; `null` refuses it. What could begin a tag is escaped, as
   * Microsoft asks for; nothing else is, because a token must come back as it was sent.
   */
  answer(token: string): string | null {
    if (this.#outstanding === 0 || token === "") return null;
    if (Buffer.byteLength(token) > MAX_TOKEN_BYTES) return null;
    return token.replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  }
}
