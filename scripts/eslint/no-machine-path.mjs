/** A path below a folder that only one machine has. */
const MACHINE_PATH = /(?<![\w.])\/(?:home|root|Users|work)\/\w/;

/** Nothing depends on where one person's files are. @type {import('eslint').Rule.RuleModule} */
export const noMachinePath = {
  meta: { type: 'problem', schema: [], messages: { path: 'This path is that of one machine.' } },
  create(context) {
    const check = (node, text) => {
      if (MACHINE_PATH.test(text)) context.report({ node, messageId: 'path' });
    };
    return {
      Literal(node) {
        if (typeof node.value === 'string') check(node, node.value);
      },
      TemplateElement(node) {
        check(node, node.value.raw);
      },
    };
  },
};
