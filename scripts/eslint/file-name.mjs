import { basename } from 'node:path';

/** `page-list.ts`, `page-list.test.ts`, `vitest.config.ts`. */
const KEBAB_CASE = /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)+$/;
/** Names that say nothing of what is inside. */
const VAGUE = /^(utils?|helpers?|misc|common)\./;

/** Files are named in kebab-case after the one thing in them. @type {import('eslint').Rule.RuleModule} */
export const fileName = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: { form: '{{name}} is not kebab-case.', vague: '{{name}} does not say what is in it.' },
  },
  create(context) {
    const name = basename(context.filename);
    return {
      Program(node) {
        if (!KEBAB_CASE.test(name)) context.report({ node, messageId: 'form', data: { name } });
        if (VAGUE.test(name)) context.report({ node, messageId: 'vague', data: { name } });
      },
    };
  },
};
