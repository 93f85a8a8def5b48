// The link in every mail. A mail program posts to it by itself (RFC 8058), a person presses the button of its page; to
// look at it changes nothing, as scanners of mail follow every link.
import type { AppDependencies } from '../dependencies';
import { type Endpoint, endpoint } from '../endpoint';

const common = { tag: 'Unsubscribe', path: '/unsubscribe/:token', roles: 'anyone', problems: ['not-found'] } as const;

/** Where every other page posts nothing, this one posts to itself. */
const POLICY = "default-src 'none';base-uri 'none';form-action 'self';frame-ancestors 'none'";

const PAGE = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Unsubscribe</title>
</head>
<body>
  <h1>Unsubscribe</h1>
  <p>Do you want no more mail from us?</p>
  <form method="post"><button>Unsubscribe</button></form>
</body>
</html>
`;
const DONE = 'You are unsubscribed: we send you no more mail.\n';

export function unsubscribeEndpoints({ commands }: Pick<AppDependencies, 'commands'>): Endpoint[] {
  return [
    endpoint({
      ...common,
      method: 'get',
      summary: 'A page to unsubscribe on',
      answer: { status: 200, description: 'A page with one button', type: 'text/html' },
      handle({ params, response }) {
        commands.assertUnsubscribeToken(params.token as string);
        response.set('Content-Security-Policy', POLICY).type('html').send(PAGE);
      },
    }),
    endpoint({
      ...common,
      method: 'post',
      summary: 'Unsubscribe',
      description: 'RFC 8058. The token is the credential; the body is not read.',
      answer: { status: 200, description: 'Its recipient gets no more mail', type: 'text/plain' },
      async handle({ params, response, context }) {
        await commands.unsubscribe(context, params.token as string);
        response.type('text').send(DONE);
      },
    }),
  ];
}
